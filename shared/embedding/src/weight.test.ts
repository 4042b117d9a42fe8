import { floorDiv } from "@soma/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { weightedAverage, weights } from "./weight.ts";

const v = (...q: number[]) => Int16Array.from(q);

describe("weights (WEIGHT-1)", () => {
  it("are floor(2^64 / (DL + 250 000 000))", () => {
    expect(weights([0n, 750_000_000n, 2_000_000_000n])).toEqual({
      ok: true,
      value: [73_786_976_294n, 18_446_744_073n, 8_198_552_921n],
    });
  });

  it("are shared by merged members and 0 for the disqualified", () => {
    const options = { disqualified: new Set([1]), mergedGroups: [[0, 1, 2], [3]] };
    expect(weights([0n, 0n, 750_000_000n, 0n], options)).toEqual({
      ok: true,
      value: [36_893_488_147n, 0n, 9_223_372_036n, 73_786_976_294n],
    });
  });

  it.each([[-1n], [2_000_000_001n]])("refuse a loss of %s", (loss) => {
    expect(weights([loss])).toMatchObject({ ok: false, code: "WEIGHT_LOSS" });
  });
});

describe("weightedAverage (WEIGHT-1)", () => {
  it.each([
    [[1n, 1n], [v(1, -1), v(2, -2)], v(1, -2)], // 1.5 and -1.5, toward minus infinity
    [[1n, 3n], [v(8), v(4)], v(5)],
    [[0n, 5n], [v(32767), v(-32767)], v(-32767)],
    [[73_786_976_294n, 8_198_552_921n], [v(100), v(-100)], v(80)], // 80.0000
  ])("of %s", (shares, vectors, average) => {
    const got = weightedAverage(shares, vectors);
    expect(got).toEqual({ ok: true, value: average });
  });

  it("is exact, and within the range of what it averages", () => {
    const weight = fc.bigInt({ min: 0n, max: (1n << 40n) - 1n });
    const coordinate = fc.integer({ min: -32767, max: 32767 });
    fc.assert(
      fc.property(fc.array(fc.tuple(weight, coordinate), { minLength: 1, maxLength: 30 }), (pairs) => {
        const total = pairs.reduce((sum, [w]) => sum + w, 0n);
        fc.pre(total > 0n);
        const got = weightedAverage(
          pairs.map(([w]) => w),
          pairs.map(([, q]) => v(q)),
        );
        const want = floorDiv(
          pairs.reduce((sum, [w, q]) => sum + w * BigInt(q), 0n),
          total,
        );
        expect(got).toEqual({ ok: true, value: v(Number(want)) });
      }),
    );
  });

  it.each([
    [[0n, 0n], [v(1), v(2)], "WEIGHT_NONE"],
    [[1n], [v(1), v(2)], "WEIGHT_COUNT"],
    [[], [], "WEIGHT_COUNT"],
    [[1n << 40n], [v(1)], "WEIGHT_RANGE"],
    [[-1n], [v(1)], "WEIGHT_RANGE"],
    [[1n, 1n], [v(1), v(1, 2)], "EMBEDDING_DIMENSION"],
  ])("refuses weights %s", (shares, vectors, code) => {
    expect(weightedAverage(shares, vectors)).toMatchObject({ ok: false, code });
  });
});
