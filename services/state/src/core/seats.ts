import { compareHex, fromHex, toHex } from "@soma/base";
import { taggedHash } from "@soma/crypto";
import type { Address, Amount, Digest } from "@soma/protocol";

/** What breaks ties of stake: nobody can choose an id that wins, since the seed comes later. */
export interface Ranking {
  readonly chainId: string;
  /** The next epoch's seed. */
  readonly seed: Digest;
}

export interface Measure<T> {
  readonly measureOf: (candidate: T) => bigint;
  readonly idOf: (candidate: T) => Address;
}

/**
 * ADR 0023: those of the highest stakes, at most `seats`, in the order in which they came. Equal stakes break by
 * H(seed, id) (ARITH-6). Who is left out stays registered and may have a seat in another epoch.
 */
export function seated<T extends { readonly stake: Amount }>(
  candidates: readonly T[],
  idOf: (candidate: T) => Address,
  seats: number,
  ranking: Ranking,
): T[] {
  return highest(candidates, { measureOf: ({ stake }) => stake, idOf }, seats, ranking);
}

/** The `count` of the highest values, in the order in which they came; ties as for seats (ARITH-6). */
export function highest<T>(
  candidates: readonly T[],
  { measureOf, idOf }: Measure<T>,
  count: number,
  { chainId, seed }: Ranking,
): T[] {
  if (candidates.length <= count) return [...candidates];
  const ranked = candidates.map((candidate, place) => ({
    place,
    value: measureOf(candidate),
    tie: toHex(taggedHash("soma.seat", chainId, fromHex(seed), fromHex(idOf(candidate)))),
  }));
  ranked.sort((a, b) => (a.value === b.value ? compareHex(a.tie, b.tie) : a.value > b.value ? -1 : 1));
  const places = ranked.slice(0, count).map(({ place }) => place);
  return places.sort((a, b) => a - b).map((place) => candidates[place]!);
}
