import { ceilDiv } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareRational, parseDecimal, type Rational, rational } from "./rational.ts";
import { type Rounding, seatsAgainst, shardSeats, shardSize } from "./shard-size.ts";
import { certainFrom, quorumOf } from "./tail-bound.ts";
import { binomialTail, hypergeometricTail } from "./tails.ts";

const ratio = (num: number, den: number) => rational(BigInt(num), BigInt(den));
const THIRD = ratio(1, 3);

function decimal(text: string): Rational {
  const parsed = parseDecimal(text);
  if (!parsed.ok) throw new Error(parsed.code);
  return parsed.value;
}

const BUDGET = decimal("1e-13");

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let out = 1n;
  for (let i = 1; i <= k; i++) out = (out * BigInt(n - i + 1)) / BigInt(i);
  return out;
}

/** The definition: the sum over k of C(n,k) p^k (1-p)^(n-k). */
function binomial(n: number, p: Rational, quorum: Rational): Rational {
  let num = 0n;
  for (let k = Number(ceilDiv(quorum.num * BigInt(n), quorum.den)); k <= n; k++) {
    num += choose(n, k) * p.num ** BigInt(k) * (p.den - p.num) ** BigInt(n - k);
  }
  return { num, den: p.den ** BigInt(n) };
}

describe("SHARD-1", () => {
  // Expected values from Python's fractions, by the definition, with every n up to 160 looked at.
  test.each([
    [THIRD, ratio(8, 10), "1e-13", 61, 59],
    [THIRD, ratio(9, 10), "1e-13", 41, 38],
    [THIRD, ratio(2, 3), "0.000001", 52, 50],
    [ratio(1, 4), ratio(3, 4), "1e-9", 34, 34],
    [THIRD, ratio(1, 1), "1e-13", 28, 28],
    [ratio(1, 5), ratio(51, 100), "0.001", 20, 18],
    [ratio(0, 1), ratio(9, 10), "1e-13", 1, 1],
  ])("dishonest %o, quorum %o, budget %s: %i stable, %i first", (p, quorum, budget, size, first) => {
    expect(shardSeats(p, quorum, decimal(budget))).toEqual({ ok: true, value: { size, first } });
  });

  test("the stable size is stable: nothing larger exceeds the budget, one smaller does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 10 }), (eighth, power) => {
        const p = ratio(eighth, 20);
        const quorum = ratio(eighth + 8, 20);
        const budget = decimal(`1e-${power}`);
        const found = shardSeats(p, quorum, budget);
        if (!found.ok) throw new Error(found.code);
        const { size, first } = found.value;
        const fits = (n: number) => compareRational(binomial(n, p, quorum), budget) <= 0;
        for (let n = size; n < size + 120; n++) expect(fits(n)).toBe(true);
        if (size > 1) expect(fits(size - 1)).toBe(false);
        expect(fits(first)).toBe(true);
        for (let n = 1; n < first; n++) expect(fits(n)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  test("the bound that ends the search is above every true tail, and near", () => {
    for (const quorum of [ratio(8, 10), ratio(9, 10), ratio(2, 3)]) {
      const from = certainFrom(THIRD, quorum, BUDGET)!;
      const found = shardSeats(THIRD, quorum, BUDGET);
      expect(found.ok && from >= found.value.size && from < found.value.size + 15).toBe(true);
      for (let n = from; n < from + 60; n++) {
        expect(compareRational(binomial(n, THIRD, quorum), BUDGET)).toBeLessThanOrEqual(0);
      }
    }
  });

  test.each([
    ["SHARD_NO_SIZE", ratio(1, 2), ratio(1, 2), BUDGET],
    ["SHARD_NO_SIZE", ratio(2, 3), ratio(1, 2), BUDGET],
    ["SHARD_NO_SIZE", ratio(499, 1000), ratio(1, 2), BUDGET],
    ["SHARD_INPUT_INVALID", ratio(1, 1), ratio(1, 1), BUDGET],
    ["SHARD_INPUT_INVALID", ratio(-1, 3), ratio(1, 2), BUDGET],
    ["SHARD_INPUT_INVALID", THIRD, ratio(0, 1), BUDGET],
    ["SHARD_INPUT_INVALID", THIRD, ratio(11, 10), BUDGET],
    ["SHARD_INPUT_INVALID", THIRD, ratio(9, 10), ratio(0, 1)],
    ["SHARD_INPUT_INVALID", THIRD, ratio(9, 10), ratio(1, 1)],
    ["SHARD_INPUT_INVALID", THIRD, ratio(1001, 1002), BUDGET],
    ["SHARD_INPUT_INVALID", { num: 1n, den: 0n }, ratio(9, 10), BUDGET],
  ])("refuses with %s", (code, p, quorum, budget) => {
    expect(shardSeats(p, quorum, budget)).toMatchObject({ ok: false, code });
  });
});

describe("seats against another event than a quorum", () => {
  test("with the quorum's threshold it is SHARD-1", () => {
    const quorum = ratio(8, 10);
    const question = { dishonest: THIRD, quorum, budget: BUDGET };
    expect(seatsAgainst(question, (n) => quorumOf(n, quorum))).toEqual(shardSeats(THIRD, quorum, BUDGET));
  });

  test("a threshold above the share is searched by itself", () => {
    const budget = decimal("1e-3");
    const threshold = (n: number) => Math.floor(n / 2) + 1;
    const found = seatsAgainst({ dishonest: ratio(1, 5), quorum: ratio(1, 2), budget }, threshold);
    if (!found.ok) throw new Error(found.code);
    const fits = (n: number) => compareRational(binomialTail(n, ratio(1, 5), threshold(n)), budget) <= 0;
    for (let n = found.value.size; n < 100; n++) expect(fits(n)).toBe(true);
    expect(fits(found.value.size - 1)).toBe(false);
  });
});

describe("SHARD-2", () => {
  const cases: [number, Rational, Rounding, number, number, string][] = [
    [20, ratio(9, 10), "ceil", 8, 8, "0/1"],
    [50, ratio(9, 10), "ceil", 19, 19, "0/1"],
    [100, ratio(9, 10), "ceil", 27, 27, "17/286646172392391"],
    [
      1000,
      ratio(9, 10),
      "ceil",
      37,
      37,
      "346062699137775529878287292962302436/6581171686838709071555597496191391809492716118475",
    ],
    [
      10_000,
      ratio(9, 10),
      "ceil",
      41,
      38,
      "297923099146182245145878079189569946023049483555929587290634207/7117862957484980627118380831584470806524891907796961011444160316819579201100",
    ],
    [100, ratio(9, 10), "floor", 27, 27, "31333/1938874710062132724"],
    [100, ratio(8, 10), "ceil", 37, 37, "1800595/167951478524688562893"],
    [
      10_000,
      ratio(8, 10),
      "floor",
      61,
      58,
      "34058724921139172544184542210565993209184729731210043904602701485423040433002606224917/645286176234221375206874052684962149188259886188356817457878862176299055401676375178591733072891015",
    ],
    [7, ratio(8, 10), "ceil", 4, 4, "0/1"],
    [1, ratio(9, 10), "floor", 1, 1, "0/1"],
  ];

  test.each(cases)("%i encoders, quorum %o, %s: %i", (encoders, quorum, rounding, size, first, tail) => {
    const start = performance.now();
    expect(shardSize({ encoders, dishonest: THIRD, quorum, budget: BUDGET, rounding })).toEqual({
      ok: true,
      value: { size, first, tail },
    });
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("stable for every n up to all encoders, by the tails themselves", () => {
    for (const encoders of [13, 60, 150]) {
      const quorum = ratio(3, 4);
      const found = shardSize({
        encoders,
        dishonest: THIRD,
        quorum,
        budget: decimal("1e-6"),
        rounding: "ceil",
      });
      if (!found.ok) throw new Error(found.code);
      const fits = (n: number) => {
        const tail = hypergeometricTail(encoders, Math.ceil(encoders / 3), n, Math.ceil((3 * n) / 4));
        if (!tail.ok) throw new Error(tail.code);
        return tail.value.num * 1_000_000n <= tail.value.den;
      };
      for (let n = found.value.size; n <= encoders; n++) expect(fits(n)).toBe(true);
      if (found.value.size > 1) expect(fits(found.value.size - 1)).toBe(false);
    }
  });

  test.each([
    ["SHARD_INPUT_INVALID", { encoders: 0 }],
    ["SHARD_INPUT_INVALID", { encoders: 2.5 }],
    ["SHARD_INPUT_INVALID", { encoders: 1e9 }],
    ["SHARD_INPUT_INVALID", { rounding: "up" as Rounding }],
    ["SHARD_INPUT_INVALID", { quorum: ratio(0, 1) }],
    ["SHARD_NO_SIZE", { encoders: 1 }],
    ["SHARD_NO_SIZE", { encoders: 10, quorum: ratio(1, 3) }],
  ])("refuses with %s: %o", (code, change) => {
    const question = { encoders: 20, dishonest: THIRD, quorum: ratio(9, 10), budget: BUDGET };
    expect(shardSize({ ...question, rounding: "ceil", ...change })).toMatchObject({ ok: false, code });
  });
});
