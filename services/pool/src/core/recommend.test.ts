import { expect, test } from "vitest";
import { recommendationQuery } from "./recommend.ts";
import { UNIT } from "./unit.ts";

const v = (...x: number[]) => Int16Array.from(x);

test("one positive example is its own direction", () => {
  expect(recommendationQuery([v(0, 7, 0)], [])).toEqual(v(0, UNIT, 0));
});

test("twice the mean of the positive less the mean of the negative", () => {
  // Units a, b of the axes: 2 * (a + b) / 2 - b = a.
  expect(recommendationQuery([v(9, 0), v(0, 2)], [v(0, 5)])).toEqual(v(UNIT, 0));
  // The same with the negative example thrice: its mean counts, not its number.
  expect(recommendationQuery([v(9, 0), v(0, 2)], [v(0, 5), v(0, 1), v(0, 3)])).toEqual(v(UNIT, 0));
});

test("examples that cancel out say nothing", () => {
  expect(recommendationQuery([v(1, 0), v(-4, 0)], [])).toBeUndefined();
  expect(recommendationQuery([v(1, 0), v(0, 0)], [v(7, 0)])).toBeUndefined();
  expect(recommendationQuery([v(0, 0)], [])).toBeUndefined();
});
