import fc from "fast-check";
import { expect, test } from "vitest";
import { type Centroid, centroid, classify } from "./classify.ts";

const v = (...x: number[]) => Int16Array.from(x);

test("the nearest centroid wins, whatever the lengths of the examples", () => {
  // Summed as they are, the long example would draw the first label's centroid away from its two others.
  const first = centroid([v(100, 0), v(100, 10), v(0, 30_000)])!;
  const second = centroid([v(0, 1)])!;
  expect(classify(v(50, 20), [first, second]).map(({ label }) => label)).toEqual([0, 1]);
  expect(classify(v(1, 900), [first, second])[0]!.label).toBe(1);
});

test("the earlier label wins a tie, and a zero vector has no label", () => {
  const same = [centroid([v(3, 4)])!, centroid([v(6, 8), v(3, 4)])!];
  expect(classify(v(1, 0), same)[0]!.label).toBe(0);
  expect(classify(v(0, 0), same)).toEqual([]);
  expect(centroid([v(1, 1), v(-5, -5)])).toBeUndefined();
  expect(centroid([v(0, 0)])).toBeUndefined();
});

test("64 of the longest examples stay exact, and the order agrees with integers", () => {
  const long = fc.array(fc.integer({ min: -32767, max: 32767 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(long, fc.array(long, { minLength: 2, maxLength: 5 }), (item, labels) => {
      const all = labels.map((x) => centroid(Array.from({ length: 64 }, () => v(...x))));
      fc.pre(all.every((c) => c !== undefined) && item.some((x) => x !== 0));
      const order = classify(v(...item), all as Centroid[]).map(({ label }) => label);
      const square = (label: number) => {
        const { sum } = all[label]!;
        const dot = item.reduce((s, x, j) => s + BigInt(x) * BigInt(sum[j]!), 0n);
        const norm = sum.reduce((s, x) => s + BigInt(x) ** 2n, 0n);
        expect(norm).toBe(BigInt(all[label]!.squaredNorm));
        return { value: dot < 0n ? -dot * dot : dot * dot, norm };
      };
      for (let i = 1; i < order.length; i++) {
        const [a, b] = [square(order[i - 1]!), square(order[i]!)];
        const difference = a.value * b.norm - b.value * a.norm;
        expect(difference > 0n || (difference === 0n && order[i - 1]! < order[i]!)).toBe(true);
      }
    }),
  );
});
