import { initialParameters, type Parameters, TOKEN } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { nextBaseFee, nextPrice } from "./economy.ts";

const day: Parameters = { ...initialParameters("production"), feeMin: 1n, feeMax: TOKEN };

describe("ECON-2", () => {
  const circulating = 100_000n * TOKEN;
  const target = (circulating * 500n) / (10_000n * 365n);

  test.each([
    ["burned what was wanted: as before", 8_000n, target, 8_000n],
    ["burned twice as much: down by an eighth at most", 8_000n, 2n * target, 7_000n],
    ["burned a little more: down to what is wanted", 8_000n, (target * 100n) / 99n, 7_920n],
    ["burned nothing: up by an eighth", 8_000n, 0n, 9_000n],
    ["a small fee still moves by one", 3n, 0n, 4n],
    ["never below the least", 1n, 1_000_000n * target, 1n],
    ["never above the most", TOKEN, 0n, TOKEN],
  ])("%s", (_, fee, burned, next) => {
    expect(nextBaseFee(day, fee, burned, circulating)).toBe(next);
  });

  test("a shorter epoch has its part of the target", () => {
    const hour = { ...day, epochLength: day.epochLength / 24n };
    expect(nextBaseFee(hour, 8_000n, target / 24n, circulating)).toBe(8_000n);
  });
});

describe("ECON-4", () => {
  test.each([
    [10n, 15n, 15n],
    [10n, 100n, 20n],
    [10n, 1n, 5n],
    [1n, 1n, 1n],
    [10n, 0n, 10n],
    [0n, 77n, 77n],
    [0n, 0n, 0n],
  ])("from %d, asked %d: %d", (before, asked, next) => {
    expect(nextPrice(before, asked)).toBe(next);
  });
});
