import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LeaderSchedule, type LeaderScheduleOptions, swapTable } from "./leader-schedule.ts";

const epochSeed = Uint8Array.from({ length: 32 }, (_, i) => i);
const committee = [
  { id: "0a", stake: 400n },
  { id: "0b", stake: 300n },
  { id: "0c", stake: 200n },
  { id: "0d", stake: 100n },
];
const ROUNDS = Array.from({ length: 32 }, (_, i) => i + 1);
// Drawn by a Python implementation of SAMPLE-1 and the leader seed.
const DRAWN = [
  2, 0, 0, 2, 0, 0, 2, 1, 3, 2, 2, 3, 1, 0, 0, 0, 1, 0, 1, 3, 1, 3, 1, 1, 1, 1, 1, 0, 2, 0, 0, 1,
];

function leaders(change: Partial<LeaderScheduleOptions>): number[] {
  const schedule = LeaderSchedule.of({
    chainId: "test",
    epochSeed,
    committee,
    badStakePercent: 30,
    ...change,
  });
  if (!schedule.ok) throw new Error(schedule.code);
  return ROUNDS.map((round) => schedule.value.leader(round));
}

describe("CONS-7", () => {
  test("golden leaders, before there are scores and with equal ones", () => {
    expect(leaders({})).toEqual(DRAWN);
    expect(leaders({ scores: [7n, 7n, 7n, 7n] })).toEqual(DRAWN);
  });

  test("the worst 30 % give their turns to the best, the worst to the very best", () => {
    // Standing 0, 1, 3, 2: validators 2 and 3 hold exactly 30 %.
    expect(leaders({ scores: [9n, 8n, 1n, 2n] })).toEqual(DRAWN.map((i) => [0, 1, 0, 1][i]));
  });

  test.each([
    ["nobody of four equals but the last", [1n, 1n, 1n, 1n], [4n, 3n, 2n, 1n], [0, 1, 2, 0]],
    ["nobody when the worst holds more than 30 %", [1n, 1n, 1n], [1n, 5n, 5n], [0, 1, 2]],
    ["ties by index: the lower one stands better", [1n, 1n, 1n, 1n], [5n, 1n, 1n, 5n], [0, 1, 0, 3]],
    ["nobody for an equal score", [1n, 1n, 1n, 1n], [3n, 3n, 3n, 3n], [0, 1, 2, 3]],
    ["round-robin when few are left to take over", [97n, 1n, 1n, 1n], [5n, 3n, 2n, 1n], [0, 0, 0, 0]],
    ["no one without stake", [0n, 10n, 10n, 10n, 10n], [9n, 8n, 7n, 6n, 0n], [0, 1, 2, 3, 1]],
  ])("swaps %s", (_, stakes, scores, table) => {
    expect(swapTable(stakes, scores, 30)).toEqual(table);
  });

  test("swaps at most 30 % of the stake, only upward, and never in chains", () => {
    const validator = fc.tuple(fc.bigInt(0n, 1000n), fc.bigInt(0n, 20n));
    fc.assert(
      fc.property(fc.array(validator, { minLength: 1, maxLength: 30 }), (validators) => {
        const stakes = validators.map(([stake]) => stake);
        const scores = validators.map(([, score]) => score);
        const table = swapTable(stakes, scores, 30);
        const total = stakes.reduce((a, b) => a + b, 0n);
        let swapped = 0n;
        for (const [i, to] of table.entries()) {
          if (to === i) continue;
          swapped += stakes[i]!;
          expect(scores[to]! > scores[i]!).toBe(true);
          expect(table[to]).toBe(to);
          expect(stakes[to]! > 0n).toBe(true);
        }
        expect(swapped * 100n <= total * 30n).toBe(true);
      }),
    );
  });

  test.each([
    ["SAMPLE_NO_STAKE", { committee: [] }],
    ["SAMPLE_NO_STAKE", { committee: [{ id: "0a", stake: 0n }] }],
    ["SAMPLE_ID_DUPLICATE", { committee: [...committee, committee[0]!] }],
    ["SCHEDULE_SEED_INVALID", { epochSeed: epochSeed.subarray(1) }],
    ["SCHEDULE_SCORES_INVALID", { scores: [1n] }],
    ["SCHEDULE_SCORES_INVALID", { scores: [1n, 1n, 1n, -1n] }],
  ])("refuses with %s", (code, change) => {
    expect(
      LeaderSchedule.of({ chainId: "test", epochSeed, committee, badStakePercent: 30, ...change }),
    ).toMatchObject({
      ok: false,
      code,
    });
  });
});
