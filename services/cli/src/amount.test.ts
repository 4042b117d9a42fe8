import { formatAmount } from "@soma/client";
import { expect, test } from "vitest";
import { parseAddress, parseAmount, parsePositive } from "./amount.ts";

test.each([
  ["0", 0n],
  ["1", 1_000_000_000n],
  ["12.5", 12_500_000_000n],
  ["0.000000001", 1n],
])("%s tokens are %i base units, and back", (text, amount) => {
  expect(parseAmount(text)).toBe(amount);
  expect(formatAmount(amount)).toBe(text);
});

test.each(["", "-1", "1.", ".5", "1e3", "0.0000000001", "1,5"])("%j is refused", (text) =>
  expect(() => parseAmount(text)).toThrow(expect.objectContaining({ code: "CLI_AMOUNT" })),
);

test("an amount to send is more than nothing, and no more than an account holds", () => {
  expect(parsePositive("0.000000001")).toBe(1n);
  for (const text of ["0", "0.0", "999999999999"])
    expect(() => parsePositive(text), text).toThrow(expect.objectContaining({ code: "CLI_AMOUNT" }));
});

test.each(["abc", "AB".repeat(32), "0".repeat(63), ""])("%j is no address", (text) =>
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "CLI_ADDRESS" })),
);
