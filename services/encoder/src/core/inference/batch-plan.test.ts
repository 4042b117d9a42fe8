import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planBatches } from "./batch-plan.ts";

const limits = { tokens: 64, attention: 1024 };

describe("planBatches", () => {
  test("every row stands in a batch of its own length, within the limits or as a pair", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 40 }), { maxLength: 80 }), (lengths) => {
        const batches = planBatches(lengths, limits);
        const seen = new Set(batches.flatMap((batch) => batch.rows));
        expect([...seen].sort((a, b) => a - b)).toEqual(lengths.map((_, row) => row));
        for (const { length, rows } of batches) {
          expect(rows.every((row) => lengths[row] === length)).toBe(true);
          expect(rows.length).toBeGreaterThanOrEqual(2);
          if (rows.length > 2) {
            expect(rows.length * length).toBeLessThanOrEqual(limits.tokens);
            expect(rows.length * length * length).toBeLessThanOrEqual(limits.attention);
          }
        }
        const twice = batches.flatMap((batch) => batch.rows).length - seen.size;
        const alone = batches.filter((batch) => batch.rows[0] === batch.rows[1]).length;
        expect(twice).toBe(alone);
      }),
    );
  });

  test("longer rows come first", () => {
    expect(planBatches([3, 9, 3, 9, 5, 5], limits).map((batch) => batch.length)).toEqual([9, 5, 3]);
  });
});
