import { formatRational, rational, toNumber } from "@soma/sampling";
import { describe, expect, test } from "vitest";
import { shardsOf, thresholdOf } from "./events.ts";
import { budgetsStudy, captureStudy, poissonStudy, sizesStudy, YEAR_SECONDS } from "./exact-studies.ts";
import type { SecurityQuestion } from "./question.ts";

const THIRD = rational(1n, 3n);
const question: SecurityQuestion = {
  dishonest: THIRD,
  budget: rational(1n, 10n ** 13n),
  jobsPerSecond: 100_000,
  encoders: 300,
  draws: 1,
  seed: 1,
};

function value<T>(result: { ok: true; value: T } | { ok: false; code: string }): T {
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

const shards = value(shardsOf(THIRD, question.budget));

describe("exact studies", () => {
  test("SHARD-1 and SHARD-2's sizes", () => {
    const rows = value(sizesStudy(question));
    const sizes = (tenths: bigint) =>
      rows.filter(({ quorum }) => quorum.num * 10n === tenths * quorum.den).map(({ size }) => size);
    expect(sizes(9n)).toEqual([8, 19, 27, 37, 41, 41]);
    expect(sizes(8n)).toEqual([9, 22, 37, 57, 61, 61]);
    const hundred = rows.find(({ encoders, quorum }) => encoders === 100 && quorum.num === 9n)!;
    expect(formatRational(hundred.tails.quorum)).toBe("17/286646172392391");
    expect(formatRational(hundred.tails.majority)).toBe("11012150683141/520643047814751");
  });

  test("seats that the events need: of 61 at 8/10, 49, 33 and 31", () => {
    const [eight, nine] = shards as [(typeof shards)[number], (typeof shards)[number]];
    expect([eight.seats, nine.seats]).toEqual([61, 41]);
    const thresholds = ({ seats, quorum }: (typeof shards)[number]) =>
      (["quorum", "proof", "majority"] as const).map((event) => thresholdOf(event, seats, quorum));
    expect(thresholds(eight)).toEqual([49, 33, 31]);
    expect(thresholds(nine)).toEqual([37, 25, 21]);
  });

  test("capture at a third dishonest: 6.7e-4 for a proof, not 1e-13", () => {
    const row = captureStudy(shards).find(({ share, shard }) => share.den === 3n && shard.seats === 61)!;
    expect(toNumber(row.tails.proof)).toBeCloseTo(6.7e-4, 5);
    expect(toNumber(row.tails.quorum)).toBeLessThan(1e-13);
  });

  test("a smaller budget never asks for fewer seats, and proofs ask for more than quorums", () => {
    const rows = value(budgetsStudy(question));
    for (const [i, row] of rows.entries()) {
      expect(row.againstProof).toBeGreaterThan(row.seats);
      const before = rows[i - 1];
      if (before !== undefined && toNumber(before.quorum) === toNumber(row.quorum)) {
        expect(row.seats).toBeGreaterThanOrEqual(before.seats);
      }
    }
  });

  test("ECON-9: 1e-13 at 1e5 a second is 3.17 years in the mean and 2.20 in the median", () => {
    const rows = value(poissonStudy(question, shards));
    const row = rows.find(
      ({ event, probability, jobsPerSecond }) =>
        event === "budget" && probability.den === 10n ** 13n && jobsPerSecond === 100_000,
    )!;
    expect((row.mean / YEAR_SECONDS).toFixed(2)).toBe("3.17");
    expect((row.median / YEAR_SECONDS).toFixed(2)).toBe("2.20");
    expect(row.withinYear).toBeCloseTo(0.271, 3);
  });

  test("no rate, no report", () => {
    expect(poissonStudy({ ...question, jobsPerSecond: 0 }, shards)).toMatchObject({
      code: "SIM_RATE_INVALID",
    });
  });
});
