import { describe, expect, test } from "vitest";
import { GOOD_CONDUCT, isBanned, strike } from "./conduct.ts";

const limits = { strikes: 3, windowMs: 1000, banMs: 5000 };

describe("conduct", () => {
  test.each([
    ["three strikes within the window ban", [0, 400, 1000], 1000, true],
    ["strikes that lie further apart do not", [0, 1001, 2002], 2002, false],
    ["two are forgiven", [0, 1], 1, false],
    ["a ban ends", [0, 1, 2], 5002, false],
    ["a ban does not end sooner", [0, 1, 2], 5001, true],
  ])("%s", (_, times, atMs, banned) => {
    const conduct = times.reduce((state, time) => strike(state, limits, time), GOOD_CONDUCT);
    expect(isBanned(conduct, atMs)).toBe(banned);
  });
});
