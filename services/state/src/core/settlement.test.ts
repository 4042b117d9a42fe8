import { encode } from "@soma/codec";
import {
  emissionShare,
  initialParameters,
  NO_COMMIT,
  SettlementInputCodec,
  subsidyBound,
} from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { epochs, heads, proven } from "./records.ts";
import { settlementInputOf } from "./settlement.ts";
import { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

const parameters = initialParameters("production");
const id = (n: number) => n.toString(16).padStart(64, "0");

interface ProvenJob {
  readonly winner: string;
  readonly burned: bigint;
}

/** A closing epoch in which these jobs were proven. */
function closing(jobs: readonly ProvenJob[], burned: bigint): KeyedStore {
  const store = new KeyedStore();
  const sums = { recyclable: 0n, unminted: 0n, burned, feesBurned: 0n, provenJobs: BigInt(jobs.length) };
  const place = { epoch: 0n, commit: 1n, commitDigest: NO_COMMIT, timestampMs: 0n };
  heads.put(store, { ...sums, ...place, beacon: NO_COMMIT, leaderBlock: NO_COMMIT, closing: true }, "now");
  const info = {
    epoch: 0n,
    startTimestampMs: 0n,
    lastCommit: 0n,
    seed: NO_COMMIT,
    lastBlock: NO_COMMIT,
    committee: [],
    roster: [],
    prices: [],
    baseFee: 1n,
    protocolVersion: 1,
    parameters: NO_COMMIT,
  };
  epochs.put(store, info, numberKey(0n));
  for (const [i, job] of jobs.entries()) proven.put(store, job, numberKey(BigInt(i)));
  return store;
}

describe("ECON-3: the proven jobs of an epoch", () => {
  test("summed by winner, are worth what they are worth one by one", () => {
    const job = fc.record({ winner: fc.nat(4).map(id), burned: fc.bigInt(0n, 50n) });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 30 }), fc.bigInt(0n, 2_000n), (jobs, burned) => {
        const input = settlementInputOf(closing(jobs, burned), parameters);
        const pot = emissionShare(input, input.shares.embeddingBps);
        const equal = jobs.length === 0 ? 0n : pot / BigInt(jobs.length);
        for (const winner of new Set(jobs.map((of) => of.winner))) {
          let due = 0n;
          for (const of of jobs) {
            const bound = subsidyBound(of.burned);
            if (of.winner === winner) due += bound < equal ? bound : equal;
          }
          const row = input.winners.find((of) => of.winner === winner)!;
          expect(row.equalJobs * equal + row.bounds).toBe(due);
        }
        const ids = input.winners.map(({ winner }) => winner);
        expect(ids).toEqual([...new Set(jobs.map(({ winner }) => winner))].sort());
      }),
    );
  });

  test("30 000 of them, each of another worth, fit one request", () => {
    const jobs = Array.from({ length: 30_000 }, (_, i) => ({ winner: id(i % 8), burned: BigInt(i) }));
    const input = settlementInputOf(closing(jobs, 1_000_000n), parameters);
    expect(encode(SettlementInputCodec, input).length).toBeLessThan(2_048);
    expect(input.winners.reduce((sum, of) => sum + of.equalJobs + of.boundedJobs, 0n)).toBe(30_000n);
  });
});
