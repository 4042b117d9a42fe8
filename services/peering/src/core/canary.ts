/** One beat says "I am here"; the other asks a peer to be admitted again, because this operator has forgotten it. */
export type CanaryKind = "beat" | "admit-again";

const KINDS: readonly CanaryKind[] = ["beat", "admit-again"];

export function canaryBody(kind: CanaryKind): Uint8Array {
  return Uint8Array.of(KINDS.indexOf(kind));
}

/** Undefined for a body that says nothing. */
export function readCanary(body: Uint8Array): CanaryKind | undefined {
  return body.length === 1 ? KINDS[body[0]!] : undefined;
}

/** How a link sounds. `silent` raises the alarm, `lost` gives the link up. */
export type LinkPulse = "alive" | "silent" | "lost";

export interface PulseLimits {
  readonly silentAfterMs: number;
  readonly lostAfterMs: number;
}

/** What the time since a link was last heard says; a new link counts as heard when it was opened. */
export function linkPulse(lastHeardMs: number, limits: PulseLimits, nowMs: number): LinkPulse {
  const quietMs = nowMs - lastHeardMs;
  if (quietMs > limits.lostAfterMs) return "lost";
  return quietMs > limits.silentAfterMs ? "silent" : "alive";
}
