import type { DagBlock, DagStore } from "./dag-store.ts";

/**
 * Scores of CONS-7: the author of a committed vote for a committed leader gains the stake of each author whose
 * committed block, one round above, lists that vote. Credited when the listing block is committed, so that
 * the scores follow from the commit sequence alone.
 *
 * `subDag` is in order and already marked committed; `leaders` holds committed leaders' digests by round. Only rounds
 * above `gcRound` count: what lies below may be gone on a validator that restarted.
 */
export function creditVotes(
  scores: bigint[],
  input: {
    readonly dag: DagStore;
    readonly subDag: readonly DagBlock[];
    readonly leaders: ReadonlyMap<number, string>;
    readonly gcRound: number;
    readonly stakes: readonly bigint[];
  },
): void {
  const { dag, subDag, leaders, gcRound, stakes } = input;
  const position = new Map(subDag.map(({ ref }, i) => [ref.digest, i]));
  for (const [i, supporter] of subDag.entries()) {
    const { round, author } = supporter.ref;
    const leader = leaders.get(round - 2);
    if (leader === undefined || round - 2 <= gcRound) continue;
    const twins = dag.slot(round, author).filter((twin) => {
      if (twin === supporter || !dag.isCommitted(twin.ref)) return false;
      const at = position.get(twin.ref.digest);
      return at === undefined || at < i;
    });
    for (const vote of supporter.parents) {
      if (vote.ref.round !== round - 1 || !vote.lists.has(leader)) continue;
      // An equivocator's second block adds nothing.
      if (twins.some((twin) => twin.lists.has(vote.ref.digest))) continue;
      scores[vote.ref.author]! += stakes[author] ?? 0n;
    }
  }
}
