import { initialParameters, NO_COMMIT } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { headOf } from "./money.ts";
import { recordStandings, slashPerformance } from "./performance.ts";
import { encoders, heads, performances, pools } from "./records.ts";
import { KeyedStore } from "./store.ts";

const parameters = { ...initialParameters("devnet"), performanceMinJobs: 2 };
const ranking = { chainId: "test", seed: "5e".repeat(32) };
const STAKE = 1_000_000n;
const id = (n: number) => n.toString(16).padStart(64, "0");
const record = {
  messageKey: new Uint8Array(32),
  blsKey: new Uint8Array(48),
  asks: [],
  commissionBps: 0,
  nextCommissionBps: 0,
  leaving: false,
};

interface Epoch {
  /** Percentile of each encoder in every one of its jobs. */
  readonly percentiles: readonly number[];
  readonly jobs?: readonly number[];
  readonly cap?: bigint;
}

/** An epoch of such jobs that then ends: who was slashed, and by how much. */
function ended(
  { percentiles, jobs = [], cap = STAKE }: Epoch,
  by = ranking,
): {
  slashed: Record<number, bigint>;
  store: KeyedStore;
} {
  const store = new KeyedStore();
  const zero = { recyclable: 0n, unminted: 0n, burned: 0n, feesBurned: 0n, provenJobs: 0n };
  const place = { epoch: 0n, commit: 0n, commitDigest: NO_COMMIT, timestampMs: 0n };
  heads.put(store, { ...zero, ...place, beacon: NO_COMMIT, leaderBlock: NO_COMMIT, closing: false }, "now");
  for (const [n, percentilePpm] of percentiles.entries()) {
    encoders.put(store, record, id(n));
    pools.put(store, { stake: STAKE, shares: STAKE, incoming: 0n }, "encoder", id(n));
    for (let job = 0; job < (jobs[n] ?? 2); job++) {
      recordStandings(store, [{ encoder: id(n), percentilePpm, cap }]);
    }
  }
  slashPerformance(store, parameters, 0n, by);
  const slashed: Record<number, bigint> = {};
  for (const n of percentiles.keys()) {
    const lost = STAKE - pools.get(store, "encoder", id(n))!.stake;
    if (lost > 0n) slashed[n] = lost;
  }
  return { slashed, store };
}

describe("SCORE-2", () => {
  const tenBps = STAKE / 1_000n;

  test.each<[string, Epoch, Record<number, bigint>]>([
    ["the worst of four", { percentiles: [100, 200, 300, 400] }, { 3: tenBps }],
    ["nobody among three", { percentiles: [100, 200, 900] }, {}],
    ["nobody if all are alike", { percentiles: [500, 500, 500, 500] }, {}],
    ["nobody at the median", { percentiles: [100, 500, 500, 500] }, {}],
    ["two of twenty", { percentiles: Array.from({ length: 20 }, (_, n) => n) }, { 18: tenBps, 19: tenBps }],
    ["one of nineteen", { percentiles: Array.from({ length: 19 }, (_, n) => n) }, { 18: tenBps }],
    ["nobody with too few jobs", { percentiles: [1, 2, 3, 4, 999], jobs: [2, 2, 2, 2, 1] }, { 3: tenBps }],
    ["no more than its jobs paid for its seats", { percentiles: [1, 2, 3, 4], cap: 7n }, { 3: 14n }],
  ])("%s", (_, epoch, expected) => {
    expect(ended(epoch).slashed).toEqual(expected);
  });

  test("of two that are equally bad one, by lot and not by its id", () => {
    const losers = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const seeded = { ...ranking, seed: id(seed) };
      return Object.keys(ended({ percentiles: [100, 200, 500, 500] }, seeded).slashed);
    });
    for (const loser of losers) expect(loser).toHaveLength(1);
    expect(new Set(losers.flat())).toEqual(new Set(["2", "3"]));
  });

  test("an epoch is forgotten at its end, and what is taken can be recycled", () => {
    const { store } = ended({ percentiles: [1, 2, 3, 4] });
    expect(performances.rows(store)).toEqual([]);
    expect(headOf(store).recyclable).toBe(tenBps);
    slashPerformance(store, parameters, 1n, ranking);
    expect(headOf(store).recyclable).toBe(tenBps);
  });
});
