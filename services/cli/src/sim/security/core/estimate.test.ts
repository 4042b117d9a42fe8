import { describe, expect, test } from "vitest";
import { covers, proportion } from "./estimate.ts";

/** P[Bin(n, p) = k], by the ratio of neighbours. */
function masses(n: number, p: number): number[] {
  const out = [(1 - p) ** n];
  for (let k = 1; k <= n; k++) out.push((out[k - 1]! * (n - k + 1) * p) / (k * (1 - p)));
  return out;
}

describe("Wilson's interval", () => {
  test("ends where the true share would be 2.576 standard deviations away", () => {
    const { value, low, high } = proportion(10, 100);
    expect(value).toBe(0.1);
    expect((value - low) / Math.sqrt((low * (1 - low)) / 100)).toBeCloseTo(2.5758, 4);
    expect((high - value) / Math.sqrt((high * (1 - high)) / 100)).toBeCloseTo(2.5758, 4);
  });

  test("no hits and nothing but hits end at the ends", () => {
    expect(proportion(0, 1000)).toMatchObject({ value: 0, low: 0 });
    expect(proportion(0, 1000).high).toBeCloseTo(0.00659, 5);
    expect(proportion(1000, 1000)).toMatchObject({ value: 1, high: 1 });
  });

  test.each([0.02, 0.1, 0.39, 0.6])("covers %d about 99 times of 100", (p) => {
    const coverage = masses(500, p).reduce(
      (sum, mass, k) => sum + (covers(proportion(k, 500), p) ? mass : 0),
      0,
    );
    expect(coverage).toBeGreaterThan(0.98);
    expect(coverage).toBeLessThan(0.998);
  });
});
