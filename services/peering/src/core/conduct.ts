/** A peer's bad signatures of late, and until when nothing of it is taken. */
export interface Conduct {
  readonly strikes: number;
  readonly sinceMs: number;
  readonly bannedUntilMs: number;
}

export interface ConductLimits {
  /** So many strikes ... */
  readonly strikes: number;
  /** ... within this time ... */
  readonly windowMs: number;
  /** ... and the peer is banned for so long. */
  readonly banMs: number;
}

export const GOOD_CONDUCT: Conduct = { strikes: 0, sinceMs: 0, bannedUntilMs: 0 };

/** One more bad signature over the peer's link. The strike that fills the measure bans and clears the count. */
export function strike(conduct: Conduct, limits: ConductLimits, nowMs: number): Conduct {
  const fresh = conduct.strikes === 0 || nowMs - conduct.sinceMs > limits.windowMs;
  const strikes = fresh ? 1 : conduct.strikes + 1;
  const sinceMs = fresh ? nowMs : conduct.sinceMs;
  if (strikes < limits.strikes) return { ...conduct, strikes, sinceMs };
  return { strikes: 0, sinceMs: 0, bannedUntilMs: nowMs + limits.banMs };
}

export function isBanned(conduct: Conduct, nowMs: number): boolean {
  return nowMs < conduct.bannedUntilMs;
}
