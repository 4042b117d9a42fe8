import { err, ok, type Result } from "@soma/base";
import { type Candidate, compareRational, type Rational, rational } from "@soma/sampling";

/**
 * Stakes of a network, and whose are dishonest: all `equal`; `zipf`, the i-th largest 1/i of the largest, with the
 * smallest ones dishonest, the crowd that counting heads would favour; `whale`, one dishonest encoder among equals.
 */
export const DISTRIBUTIONS = ["equal", "zipf", "whale"] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

const STAKE = 1_000_000n;

/** Encoders in the order of their ids; the dishonest ones by index. */
export interface Roster {
  readonly candidates: readonly Candidate[];
  readonly isDishonest: readonly boolean[];
  /** Of the stake, that of the dishonest: as much of what was asked for as whole encoders give, never more. */
  readonly share: Rational;
}

function stakesOf(distribution: Distribution, encoders: number, share: Rational): bigint[] {
  if (distribution === "zipf") {
    return Array.from({ length: encoders }, (_, i) => (STAKE * BigInt(encoders)) / BigInt(i + 1));
  }
  const equal = Array.from({ length: encoders }, () => STAKE);
  if (distribution === "equal") return equal;
  // The most that is less than the share: w / (w + rest) < share.
  const rest = STAKE * BigInt(encoders - 1);
  const honest = share.den - share.num;
  return [(share.num * rest + honest - 1n) / honest - 1n, ...equal.slice(1)];
}

/** A network in which at most `share` of the stake is dishonest. Refuses with SIM_ROSTER_EMPTY if that is nobody. */
export function rosterOf(distribution: Distribution, encoders: number, share: Rational): Result<Roster> {
  const stakes = stakesOf(distribution, encoders, share);
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  const isDishonest = stakes.map(() => false);
  let held = 0n;
  const take = (index: number) => {
    const more = held + stakes[index]!;
    if (compareRational({ num: more, den: total }, share) > 0) return false;
    held = more;
    isDishonest[index] = true;
    return true;
  };
  if (distribution === "whale") take(0);
  else for (let i = encoders - 1; i >= 0 && take(i); i--);
  if (held === 0n && share.num > 0n) {
    return err(
      "SIM_ROSTER_EMPTY",
      `of ${encoders} encoders none is small enough for that share of the stake`,
    );
  }
  const candidates = stakes.map((stake, i) => ({ id: i.toString(16).padStart(64, "0"), stake }));
  return ok({ candidates, isDishonest, share: rational(held, total) });
}

/** The same network with the stake of the dishonest times `factor`. */
export function tilted({ candidates, isDishonest }: Roster, factor: number): Candidate[] {
  return candidates.map(({ id, stake }, i) => ({
    id,
    stake: isDishonest[i] === true ? stake * BigInt(factor) : stake,
  }));
}
