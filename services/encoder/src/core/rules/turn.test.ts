import { expect, test } from "vitest";
import { answeredWithin } from "./turn.ts";

test("what was sent counts as lost after 16 commits, and sooner where deadlines are short", () => {
  const windows = (selectTimeout: number, revealTimeout: number, proofTimeout: number) =>
    answeredWithin({ selectTimeout, revealTimeout, proofTimeout });
  expect(windows(600, 300, 300)).toBe(16n);
  expect(windows(600, 300, 120)).toBe(10n);
  expect(windows(10, 10, 10)).toBe(4n);
});
