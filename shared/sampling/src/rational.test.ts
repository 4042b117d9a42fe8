import { describe, expect, test } from "vitest";
import { parseDecimal, toNumber } from "./rational.ts";

describe("decimal text", () => {
  test.each([
    ["1e-13", 1n, 10_000_000_000_000n],
    ["0.10", 1n, 10n],
    ["-2.5E+1", -25n, 1n],
    ["12", 12n, 1n],
    ["0e5", 0n, 1n],
  ])("%s is exact", (text, num, den) => {
    expect(parseDecimal(text)).toEqual({ ok: true, value: { num, den } });
  });

  test.each(["", "1.", ".5", "+1", "1e", "0x10", "NaN", "Infinity", "1e99999", "1e1001", " 1", "1_000"])(
    "%j is refused",
    (text) => {
      expect(parseDecimal(text)).toMatchObject({ ok: false, code: "RATIONAL_MALFORMED" });
    },
  );
});

describe("as a number", () => {
  test.each([
    [0n, 7n, 0],
    [1n, 3n, 1 / 3],
    [10n ** 40n, 3n, 1e40 / 3],
    [3n, 10n ** 300n, 3e-300],
    [7n, 10n ** 309n, 7e-309],
    [1n, 10n ** 400n, 0],
  ])("%d/%d", (num, den, value) => {
    const found = toNumber({ num, den });
    expect(Math.abs(found - value)).toBeLessThanOrEqual(Math.abs(value) * 3e-16 + Number.MIN_VALUE);
  });
});
