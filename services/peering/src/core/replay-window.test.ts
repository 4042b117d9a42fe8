import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplayWindow } from "./replay-window.ts";

describe("a replay window", () => {
  test("takes no number twice, whatever the order, and stays bounded", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(60), { maxLength: 200 }),
        (size, numbers) => {
          const window = new ReplayWindow(size, 3);
          const taken = new Set<number>();
          for (const number of numbers) {
            const admits = window.admits(number);
            expect(window.take(number)).toBe(admits);
            if (admits) {
              expect(taken.has(number)).toBe(false);
              expect(number).toBeGreaterThan(3);
              taken.add(number);
            }
            expect(window.held).toBeLessThanOrEqual(2 * size);
          }
        },
      ),
    );
  });

  test("takes every new number that is within its size of the newest", () => {
    const shuffled = fc.shuffledSubarray(
      Array.from({ length: 8 }, (_, i) => i),
      { minLength: 8 },
    );
    fc.assert(
      fc.property(fc.array(shuffled, { maxLength: 20 }), (batches) => {
        const window = new ReplayWindow(8, 0);
        batches.forEach((batch, b) => {
          for (const i of batch) expect(window.take(1 + 8 * b + i)).toBe(true);
        });
      }),
    );
  });
});
