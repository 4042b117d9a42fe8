import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareRational, formatRational, rational } from "./rational.ts";
import { binomialTail, hypergeometricTail } from "./tails.ts";

/** Every sequence of n draws, a bit each: set where the draw is dishonest. */
function sequences(n: number): number[] {
  return Array.from({ length: 2 ** n }, (_, i) => i);
}

function ones(bits: number): number {
  return bits.toString(2).replaceAll("0", "").length;
}

describe("the binomial tail", () => {
  test("equals the sum over all sequences of draws", () => {
    const share = fc.integer({ min: 0, max: 7 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), share, fc.integer({ min: 0, max: 10 }), (n, num, least) => {
        const p = { num: BigInt(num), den: 7n };
        let sum = 0n;
        for (const drawn of sequences(n)) {
          const k = ones(drawn);
          if (k >= least) sum += p.num ** BigInt(k) * (p.den - p.num) ** BigInt(n - k);
        }
        expect(compareRational(binomialTail(n, p, least), { num: sum, den: 7n ** BigInt(n) })).toBe(0);
      }),
    );
  });

  test("is whole from no seat on, and nothing beyond all", () => {
    const third = rational(1n, 3n);
    expect(formatRational(binomialTail(5, third, 0))).toBe("1/1");
    expect(formatRational(binomialTail(5, third, -1))).toBe("1/1");
    expect(formatRational(binomialTail(5, third, 6))).toBe("0/1");
  });
});

describe("the hypergeometric tail", () => {
  test("equals the share of all samples", () => {
    for (const encoders of [1, 4, 9]) {
      for (let dishonest = 0; dishonest <= encoders; dishonest++) {
        for (let size = 0; size <= encoders; size++) {
          const samples = sequences(encoders).filter((drawn) => ones(drawn) === size);
          for (let least = 0; least <= size + 1; least++) {
            const hits = samples.filter((drawn) => ones(drawn & (2 ** dishonest - 1)) >= least).length;
            const tail = hypergeometricTail(encoders, dishonest, size, least);
            const share = rational(BigInt(hits), BigInt(samples.length));
            expect(tail).toEqual({ ok: true, value: share });
          }
        }
      }
    }
  });

  test.each([
    [100, 34, 27, 25, "17/286646172392391"],
    [100, 34, 27, 14, "11012150683141/520643047814751"],
    [10, 4, 6, 0, "1/1"],
    [10, 4, 6, 5, "0/1"],
    [10, 4, 10, 4, "1/1"],
    [0, 0, 0, 0, "1/1"],
  ])("of %i with %i dishonest, %i drawn, at least %i: %s", (encoders, dishonest, size, threshold, tail) => {
    const exact = hypergeometricTail(encoders, dishonest, size, threshold);
    expect(exact.ok && formatRational(exact.value)).toBe(tail);
  });

  test.each([
    [10, 11, 5, 3],
    [10, 4, 11, 3],
    [10, 4, 5, -1],
    [10.5, 4, 5, 1],
    [Number.NaN, 4, 5, 1],
    [1_000_000, 4, 500_000, 1],
    [2 ** 40, 4, 5, 1],
  ])("refuses %d, %d, %d, %d", (encoders, dishonest, size, threshold) => {
    expect(hypergeometricTail(encoders, dishonest, size, threshold)).toMatchObject({
      ok: false,
      code: "SHARD_INPUT_INVALID",
    });
  });
});
