import type { CommittedSubDag } from "@soma/consensus/core";
import { expect, test } from "vitest";
import { faultlessNetwork } from "./faultless.ts";

// CONS-7: a validator whose blocks come too late loses its turns, and gets them back when it is well again.

const SCHEDULE = 40;
const SLOW = 2;

function network(seed: number) {
  // Each round at full pace: a validator slower than that rests no longer than the others.
  const { world, observer, ids, hosts, run } = faultlessNetwork(seed, {
    scheduleCommits: SCHEDULE,
    leaderTimeout: 200,
    minRoundDelay: 50,
    restDelay: 50,
  });
  /** Leaders of the 200 rounds to come, as each validator has them. */
  const schedules = () =>
    hosts.map(({ state }) => {
      const { leaders, snapshot } = state!.engine!.dag.sequence;
      const from = Math.ceil((snapshot.leaderRound + 1) / 1_000) * 1_000;
      return Array.from({ length: 200 }, (_, i) => leaders.leader(from + i));
    });
  const turns = () => {
    const [first, ...others] = schedules() as [number[], ...number[][]];
    for (const other of others) expect(other).toEqual(first);
    return hosts.map((_, author) => first.filter((leader) => leader === author).length);
  };
  const runUntilCommits = (count: number) => {
    const goal = observer.height + count;
    for (let ms = 0; observer.height < goal && ms < 120_000; ms += 100) run(100);
    // Whoever is behind comes to the same commit.
    run(1_000);
    expect(observer.height).toBeGreaterThanOrEqual(goal);
  };
  const scores = () => hosts[0]!.state!.lastCommit!.scheduleScores;
  return { world, observer, ids, turns, scores, runUntilCommits };
}

/**
 * The scores of a stretch of commits by their definition: a committed vote for a committed leader counts, for its author,
 * the stake of each author who has a committed block one round above that lists it.
 */
function scoresOf(subDags: readonly CommittedSubDag[], stake: bigint): bigint[] {
  const leaders = new Set(subDags.map(({ commit }) => commit.leader.digest));
  const blocks = subDags.flatMap((subDag) => subDag.blocks);
  const scores = [0n, 0n, 0n, 0n];
  for (const vote of blocks) {
    const isVote = vote.body.ancestors.some(
      ({ round, digest }) => round === vote.ref.round - 1 && leaders.has(digest),
    );
    if (!isVote) continue;
    const listing = blocks.filter(
      ({ ref, body }) =>
        ref.round === vote.ref.round + 1 && body.ancestors.some(({ digest }) => digest === vote.ref.digest),
    );
    scores[vote.ref.author]! += stake * BigInt(new Set(listing.map(({ ref }) => ref.author)).size);
  }
  return scores;
}

/** Mean virtual milliseconds between commits of a stretch. */
function pace(commits: readonly { readonly atMs: number }[]): number {
  return (commits.at(-1)!.atMs - commits[0]!.atMs) / (commits.length - 1);
}

test("the slow one leads no more after the first schedule, the network gets faster, and it comes back", () => {
  const { world, observer, ids, turns, runUntilCommits } = network(5);
  world.network.slow(ids[SLOW]!, 260);
  expect(Math.min(...turns())).toBeGreaterThan(25);
  runUntilCommits(3 * SCHEDULE);
  const swapped = turns();
  expect(swapped[SLOW]).toBe(0);
  expect(swapped.reduce((sum, count) => sum + count, 0)).toBe(200);
  const before = observer.commits.slice(0, SCHEDULE);
  const after = observer.commits.slice(SCHEDULE + 5, 3 * SCHEDULE);
  expect(after.filter(({ author }) => author === SLOW)).toEqual([]);
  expect(pace(after)).toBeLessThan(pace(before));
  world.network.slow(ids[SLOW]!, 0);
  runUntilCommits(3 * SCHEDULE);
  expect(turns()[SLOW]).toBeGreaterThan(0);
});

test("the scores of the first schedule are those of the definition", () => {
  const { world, observer, ids, scores, runUntilCommits } = network(9);
  world.network.slow(ids[SLOW]!, 120);
  runUntilCommits(SCHEDULE + 1);
  expect(observer.height).toBeLessThan(2 * SCHEDULE);
  const expected = scoresOf(observer.subDags.slice(0, SCHEDULE), 10n);
  expect(scores()).toEqual(expected);
  expect(expected[SLOW]).toBeLessThan(expected[0]!);
});
