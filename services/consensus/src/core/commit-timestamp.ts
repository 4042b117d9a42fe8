import type { DagBlock } from "./dag-store.ts";

/**
 * Stake-weighted median of the timestamps of the leader's ancestors of the round before its own (CONS-6): the
 * first, in ascending order, at which more than half of their stake is reached. Null if none of them is known,
 * which an accepted leader above the gc round cannot have.
 */
export function medianTimestamp(leader: DagBlock, stakes: readonly bigint[]): bigint | null {
  const parents = leader.parents.filter(({ ref }) => ref.round === leader.ref.round - 1);
  const votes = parents.map(({ ref, block }) => ({
    timestampMs: block.body.timestampMs,
    stake: stakes[ref.author] ?? 0n,
  }));
  votes.sort((a, b) => (a.timestampMs < b.timestampMs ? -1 : a.timestampMs > b.timestampMs ? 1 : 0));
  const total = votes.reduce((sum, { stake }) => sum + stake, 0n);
  let reached = 0n;
  for (const { timestampMs, stake } of votes) {
    reached += stake;
    if (2n * reached > total) return timestampMs;
  }
  return null;
}
