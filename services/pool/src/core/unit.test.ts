import fc from "fast-check";
import { expect, test } from "vitest";
import { UNIT, unitVector } from "./unit.ts";

test("every coordinate is the nearest integer, in integers", () => {
  const vector = fc.array(fc.integer({ min: -32767, max: 32767 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(vector, (v) => {
      const squared = v.reduce((sum, x) => sum + BigInt(x) ** 2n, 0n);
      const unit = unitVector(v);
      if (squared === 0n) {
        expect(unit).toBeUndefined();
        return;
      }
      for (const [j, x] of v.entries()) {
        const t = BigInt(Math.abs(unit![j]!));
        const twice = (2n * BigInt(Math.abs(x)) * BigInt(UNIT)) ** 2n;
        expect(t === 0n || (2n * t - 1n) ** 2n * squared <= twice).toBe(true);
        expect((2n * t + 1n) ** 2n * squared > twice).toBe(true);
        if (t !== 0n) expect(Math.sign(unit![j]!)).toBe(Math.sign(x));
      }
    }),
  );
});

test("a half is rounded away from zero", () => {
  // |v| = 2^15, so that each coordinate is halved: 1 and -1 fall on a half.
  const v = [1, -1, 0, 0, 3];
  const rest = 2 ** 30 - 11;
  const more = wholeSquares(rest);
  expect([...unitVector([...v, ...more])!.slice(0, 5)]).toEqual([1, -1, 0, 0, 2]);
});

/** Coordinates whose squares sum to `n`, the largest first. */
function wholeSquares(n: number): number[] {
  const out: number[] = [];
  for (let left = n; left > 0; ) {
    const x = Math.min(32767, Math.floor(Math.sqrt(left)));
    out.push(x);
    left -= x * x;
  }
  return out;
}
