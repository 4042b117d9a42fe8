import fc from "fast-check";
import { expect, test } from "vitest";
import { leadingDimensions, ROTATION_ONE, type Rotation } from "./rotation.ts";

test("rounds half to even and holds the range", () => {
  const half = ROTATION_ONE / 2;
  const rotation: Rotation = { dimension: 2, leading: 2, rows: Int16Array.of(half, 0, 16384, 16384) };
  expect([...leadingDimensions(rotation, Int16Array.of(1, 0), 2)]).toEqual([0, 1]);
  expect([...leadingDimensions(rotation, Int16Array.of(3, 0), 1)]).toEqual([2]);
  expect([...leadingDimensions(rotation, Int16Array.of(32767, 32767), 2)]).toEqual([16384, 32767]);
  expect([...leadingDimensions(rotation, Int16Array.of(-32767, -32767), 2)]).toEqual([-16384, -32767]);
});

test("agrees with integers", () => {
  const component = fc.integer({ min: -32767, max: 32767 });
  const five = fc.array(component, { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(five, five, (row, vector) => {
      const rotation: Rotation = { dimension: 5, leading: 1, rows: Int16Array.from(row) };
      const sum = row.reduce((all, x, j) => all + BigInt(x) * BigInt(vector[j]!), 0n);
      const found = BigInt(leadingDimensions(rotation, Int16Array.from(vector), 1)[0]!);
      const distance = (q: bigint) => {
        const d = sum - q * BigInt(ROTATION_ONE);
        return d < 0n ? -d : d;
      };
      if (found === 32767n || found === -32767n) return;
      expect(2n * distance(found)).toBeLessThanOrEqual(BigInt(ROTATION_ONE));
      if (2n * distance(found) === BigInt(ROTATION_ONE)) expect(found % 2n).toBe(0n);
    }),
  );
});
