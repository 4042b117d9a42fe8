import fc from "fast-check";
import { expect, test } from "vitest";
import { planSegments } from "./segments.ts";

test("cuts as a binary counter does", () => {
  expect(planSegments(9, 10)).toEqual([]);
  expect(planSegments(79, 10)).toEqual([
    { from: 0, to: 40 },
    { from: 40, to: 60 },
    { from: 60, to: 70 },
  ]);
  expect(planSegments(100, 10, 40).map(({ to }) => to)).toEqual([40, 80, 100]);
});

test("segments follow each other without a gap, are few, and leave less than a block", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (size) => {
      const segments = planSegments(size, 16, 16 * 4096);
      let at = 0;
      for (const { from, to } of segments) {
        expect(from).toBe(at);
        at = to;
      }
      expect(size - at).toBeLessThan(16);
      expect(segments.length).toBeLessThanOrEqual(14);
    }),
  );
});

test("growth never cuts a segment: it keeps it or joins it to its neighbours", () => {
  for (let blocks = 0; blocks < 200; blocks++) {
    const next = planSegments((blocks + 1) * 16, 16);
    for (const { from, to } of planSegments(blocks * 16, 16)) {
      expect(next.some((wider) => wider.from <= from && to <= wider.to)).toBe(true);
    }
  }
});
