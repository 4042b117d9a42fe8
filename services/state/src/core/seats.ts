import { compareHex, fromHex, toHex } from "@soma/base";
import { taggedHash } from "@soma/crypto";
import type { Address, Amount, Digest } from "@soma/protocol";

/** What breaks ties of stake: nobody can choose an id that wins, since the seed comes later. */
export interface Ranking {
  readonly chainId: string;
  /** The next epoch's seed. */
  readonly seed: Digest;
}

/**
 * ADR 0023: those of the highest stakes, at most `seats`, in the order in which they came. Equal stakes break by
 * H(seed, id) (ARITH-6). Who is left out stays registered and may have a seat in another epoch.
 */
export function seated<T extends { readonly stake: Amount }>(
  candidates: readonly T[],
  idOf: (candidate: T) => Address,
  seats: number,
  { chainId, seed }: Ranking,
): T[] {
  if (candidates.length <= seats) return [...candidates];
  const ranked = candidates.map((candidate, place) => ({
    place,
    stake: candidate.stake,
    tie: toHex(taggedHash("soma.seat", chainId, fromHex(seed), fromHex(idOf(candidate)))),
  }));
  ranked.sort((a, b) => (a.stake === b.stake ? compareHex(a.tie, b.tie) : a.stake > b.stake ? -1 : 1));
  const places = ranked.slice(0, seats).map(({ place }) => place);
  return places.sort((a, b) => a - b).map((place) => candidates[place]!);
}
