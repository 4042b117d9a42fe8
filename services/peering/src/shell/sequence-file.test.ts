import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSequencer } from "./sequence-file.ts";

let folder: string;
let path: string;
const warnings: string[] = [];
const log = { warn: (_: object, message: string) => warnings.push(message) } as never;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sequence-"));
  path = join(folder, "data", "peering.sequence");
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const hour = 3_600_000;

test("numbers rise over a restart, though the clock was set back an hour before it", () => {
  const before = openSequencer(path, log);
  const used = [5, 6, 5].map((minutes) => before.next(2 * hour + minutes * 60_000));
  const after = openSequencer(path, log);
  expect(after.next(hour)).toBeGreaterThan(Math.max(...used));
  expect(warnings).toEqual([]);
});

test("the file is written once a minute, not once an envelope", () => {
  const sequencer = openSequencer(path, log);
  sequencer.next(hour);
  const first = readFileSync(path, "utf8");
  for (let ms = 0; ms <= 60_000; ms += 1_000) sequencer.next(hour + ms);
  expect(readFileSync(path, "utf8")).toBe(first);
  sequencer.next(hour + 60_001);
  expect(readFileSync(path, "utf8")).not.toBe(first);
  expect(readdirSync(join(folder, "data"))).toEqual(["peering.sequence"]);
});

test("a damaged file, one that cannot be written, and none leave the clock", () => {
  openSequencer(path, log).next(hour);
  writeFileSync(path, "9".repeat(40));
  expect(openSequencer(path, log).next(hour)).toBe(hour * 1000);
  writeFileSync(join(folder, "blocked"), "");
  expect(openSequencer(join(folder, "blocked", "it"), log).next(hour)).toBe(hour * 1000);
  expect(warnings).toHaveLength(3);
  expect(openSequencer(undefined, log).next(hour)).toBe(hour * 1000);
});
