import fc from "fast-check";
import { expect, it } from "vitest";
import { squaredDistance, squaredDistanceOfQuanta } from "./geometry.ts";

it("four sums at a time are the one sum", () => {
  const quantum = fc.integer({ min: -32768, max: 32767 });
  fc.assert(
    fc.property(fc.array(fc.tuple(quantum, quantum), { maxLength: 40 }), (pairs) => {
      const a = Int16Array.from(pairs, ([x]) => x);
      const b = Int16Array.from(pairs, ([, y]) => y);
      expect(squaredDistanceOfQuanta(a, b)).toBe(squaredDistance(a, b));
    }),
  );
});

it("is exact at the longest point of the protocol", () => {
  const length = 2048 * 65;
  const distance = squaredDistanceOfQuanta(
    new Int16Array(length).fill(32767),
    new Int16Array(length).fill(-32767),
  );
  expect(BigInt(distance)).toBe(BigInt(length) * 65534n ** 2n);
});
