import { floorDiv, ok, type Result } from "@soma/base";
import { quorumOf, type Rational, rational, type StableSize, seatsAgainst, shardSeats } from "@soma/sampling";
import { QUORUMS } from "./question.ts";

/**
 * What dishonest seats can be enough for: the quorum of the shard (what the budget of SHARD-1 bounds), a final
 * proof (GAME-8: more than two thirds of the seats of a selection, which is a quorum), or most of the seats (the
 * text's dishonest majority, which by itself decides nothing).
 */
export const EVENTS = ["quorum", "proof", "majority"] as const;
export type EventName = (typeof EVENTS)[number];

/** Seats out of `seats` that the event needs. */
export function thresholdOf(event: EventName, seats: number, quorum: Rational): number {
  if (event === "majority") return Math.floor(seats / 2) + 1;
  const whole = quorumOf(seats, quorum);
  return event === "quorum" ? whole : Math.floor((2 * whole) / 3) + 1;
}

/** Seats from which on a final proof by the dishonest alone stays within the budget. Refuses as `shardSeats` does. */
export function seatsAgainstProof(
  dishonest: Rational,
  quorum: Rational,
  budget: Rational,
): Result<StableSize> {
  const share = rational(2n * quorum.num, 3n * quorum.den);
  return seatsAgainst({ dishonest, quorum: share, budget }, (n) => thresholdOf("proof", n, quorum));
}

/** A shard as SHARD-1 sizes it. */
export interface Shard {
  readonly quorum: Rational;
  readonly seats: number;
}

/** The shard of each quorum. Refuses as `shardSeats` does. */
export function shardsOf(dishonest: Rational, budget: Rational): Result<Shard[]> {
  const shards: Shard[] = [];
  for (const quorum of QUORUMS) {
    const found = shardSeats(dishonest, quorum, budget);
    if (!found.ok) return found;
    shards.push({ quorum, seats: found.value.size });
  }
  return ok(shards);
}

/** floor(count * share). */
export function partOf(count: number, share: Rational): number {
  return Number(floorDiv(BigInt(count) * share.num, share.den));
}
