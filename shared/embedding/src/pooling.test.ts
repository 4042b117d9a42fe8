import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { poolTokens } from "./pooling.ts";

const PAD = 0;
const MASK = 1;
const tokens = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);

describe("poolTokens", () => {
  it.each([
    ["masked-sum", [5, MASK, 6, PAD], [2, 8 / 3]], // (1+5)/3, (2+6)/3
    ["mean", [5, MASK, 6, PAD], [3, 4]], // (1+3+5)/3, (2+4+6)/3
    ["masked-sum", [PAD, PAD, PAD, PAD], [0, 0]],
    ["mean", [5, 5, 5, 5], [4, 5]],
  ] as const)("%s over %j", (kind, ids, pooled) => {
    const out = poolTokens({ tokens, length: 4, dimension: 2, ids, padId: PAD, maskId: MASK, kind });
    expect(Array.from(out)).toEqual(pooled);
  });

  it("adds up one position after another, to the last bit", () => {
    const dimension = 3;
    const id = fc.integer({ min: 0, max: 3 });
    const value = fc.float({ noNaN: true, min: -1e6, max: 1e6 });
    const row = fc.tuple(id, fc.array(value, { minLength: dimension, maxLength: dimension }));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.constantFrom("mean", "masked-sum"), (rows, kind) => {
        const ids = Int32Array.from(rows, ([one]) => one);
        const vectors = Float32Array.from(rows.flatMap(([, vector]) => vector));
        const sums = [0, 0, 0];
        for (const [position, one] of ids.entries()) {
          if (one === PAD || (kind === "masked-sum" && one === MASK)) continue;
          for (let d = 0; d < dimension; d++) sums[d] = sums[d]! + vectors[position * dimension + d]!;
        }
        const counted = ids.filter((one) => one !== PAD).length;
        const pooled = poolTokens({
          tokens: vectors,
          length: ids.length,
          dimension,
          ids,
          padId: PAD,
          maskId: MASK,
          kind,
        });
        expect(Array.from(pooled)).toEqual(sums.map((sum) => (counted > 0 ? sum / counted : sum)));
      }),
    );
  });

  it("does not change with padding appended", () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.float({ noNaN: true, min: -8, max: 8 }));
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (rows, pads) => {
          const base = { dimension: 1, padId: PAD, maskId: MASK, kind: "masked-sum" } as const;
          const ids = rows.map(([id]) => id);
          const values = rows.map(([, x]) => x);
          const longer = new Array<number>(pads).fill(7);
          expect(
            poolTokens({
              ...base,
              tokens: Float32Array.from([...values, ...longer]),
              length: rows.length + pads,
              ids: [...ids, ...longer.map(() => PAD)],
            }),
          ).toEqual(poolTokens({ ...base, tokens: Float32Array.from(values), length: rows.length, ids }));
        },
      ),
    );
  });
});
