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
