import { rational } from "@soma/sampling";
import { expect, test } from "vitest";
import { durationText, powerText, shareText, significant } from "./number-text.ts";

test.each([
  [0, "0"],
  [1, "1"],
  [0.39157, "0.392"],
  [0.00355, "0.00355"],
  [6.7012e-4, "6.70e-4"],
  [4.7e-53, "4.70e-53"],
])("%d is %s", (value, text) => expect(significant(value)).toBe(text));

test.each([
  [1n, 3n, "1/3"],
  [15n, 100n, "15 %"],
  [149_499n, 448_499n, "33.333 %"],
])("the share %d/%d is %s", (num, den, text) => expect(shareText(rational(num, den))).toBe(text));

test.each([
  [1e8, "3.17 years"],
  [1e13, "317,000 years"],
  [1e15, "3.17e+7 years"],
  [1e4, "2.78 h"],
  [0.0149, "14.9 ms"],
  [2e-5, "20.0 us"],
])("%d s are %s", (seconds, text) => expect(durationText(seconds)).toBe(text));

test("a power has no digits to spare", () => {
  expect([1e-13, 0.001, 2.5e-7].map(powerText)).toEqual(["1e-13", "1e-3", "2.5e-7"]);
});
