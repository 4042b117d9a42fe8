import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedJob } from "@soma/client";
import { createKeyFile } from "@soma/identity";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Library, readItems } from "./library.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "library-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const items = [{ label: "a.txt", bytes: Buffer.from("one") }];
const verified = { job: "aa".repeat(32), result: { winner: null }, finals: [Int16Array.of(1, -2)] };
const job = { receipt: Uint8Array.of(1, 2), verified } as unknown as EmbeddedJob;

test("what is stored is found, and nothing else is left", () => {
  const library = new Library(folder);
  const name = library.nameOf(items);
  library.store(name, items, job);
  expect(library.stored(name)?.items).toEqual([{ label: "a.txt", text: "one", embedding: [1, -2] }]);
  expect(readdirSync(folder).sort()).toEqual([`${name}.json`, `${name}.soma-receipt`]);
});

test.each(["", "{", "[]"])("a result file that holds %o is no result, and no failure", (text) => {
  const library = new Library(folder);
  const name = library.nameOf(items);
  library.store(name, items, job);
  writeFileSync(join(folder, `${name}.json`), text);
  expect(library.stored(name)).toBeUndefined();
  expect(library.all().size).toBe(0);
});

test("results of other folders are known, and a folder that is not there is not made", () => {
  const library = new Library(folder);
  library.store(library.nameOf(items), items, job);
  const other = join(folder, "other");
  expect([...new Library(other, [folder]).all().keys()]).toEqual([verified.job]);
  expect(existsSync(other)).toBe(false);
});

test("a folder is read without the keys in it", () => {
  createKeyFile(join(folder, "wallet.json"), "account");
  writeFileSync(join(folder, "a.txt"), "a text");
  expect(readItems([folder], false).map(({ label }) => label)).toEqual(["a.txt"]);
});

test("a journal put aside is kept, and out of the way", () => {
  const library = new Library(folder);
  writeFileSync(library.journalPath("x"), "{}");
  const path = library.abandon("x");
  expect([existsSync(path), existsSync(library.journalPath("x"))]).toEqual([true, false]);
});
