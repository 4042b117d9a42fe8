import { expect, test } from "vitest";
import { formatCursor, parseCursor } from "./cursor.ts";
import { candidatesFor } from "./plan-search.ts";
import { type BookedJob, PoolBook } from "./pool-book.ts";

const job = (name: string, items: number, more: Partial<BookedJob> = {}): BookedJob => ({
  job: name,
  commit: 1n,
  epoch: 0n,
  payer: "p",
  modality: 0,
  winner: "w",
  items,
  ...more,
});

test("rows and items lead to each other", () => {
  const book = new PoolBook();
  book.add(job("a", 2));
  book.add(job("b", 3, { commit: 4n }));
  expect([book.rows, book.lastCommit, book.has("b"), book.has("c")]).toEqual([5, 4n, true, false]);
  expect([0, 1, 2, 3, 4].map((row) => [book.itemOf(row).job.job, book.itemOf(row).item])).toEqual([
    ["a", 0],
    ["a", 1],
    ["b", 0],
    ["b", 1],
    ["b", 2],
  ]);
  expect([book.rowOf("b", 2), book.rowOf("b", 3), book.rowOf("c", 0)]).toEqual([4, undefined, undefined]);
  expect(book.rowsOf("b")).toEqual({ from: 2, to: 5 });
});

test("says how many rows a filter can match at most", () => {
  const book = new PoolBook();
  const free = { modality: null, submitter: null, fromEpoch: null, toEpoch: null };
  expect([book.add(job("a", 2)), book.add(job("b", 3, { payer: "q", epoch: 1n }))]).toEqual([0, 1]);
  expect(book.add(job("c", 5, { payer: "q", epoch: 2n, modality: 1 }))).toBe(1);
  expect(book.matching(free)).toBe(10);
  expect(book.matching({ ...free, submitter: "q" })).toBe(8);
  expect(book.matching({ ...free, submitter: "nobody" })).toBe(0);
  expect(book.matching({ ...free, submitter: "q", modality: 0 })).toBe(5);
  expect(book.matching({ ...free, fromEpoch: 1n, toEpoch: 1n })).toBe(3);
  expect(book.matching({ ...free, fromEpoch: 1n })).toBe(8);
});

test("a cursor leads back to itself, and what is none is refused", () => {
  const cursor = { size: 12, row: 7, seen: 20 };
  expect(parseCursor(formatCursor(cursor), 12)).toEqual({ ok: true, value: cursor });
  for (const text of ["", "1.2", "12.7.20.1", "12.12.1", "13.7.1", "12.7.0", "x.y.z", "-1.0.1"]) {
    expect(parseCursor(text, 12)).toMatchObject({ ok: false, code: "POOL_CURSOR" });
  }
});

test("the index proposes where it can, else everything is looked at", () => {
  const usual = {
    size: 100_000,
    indexed: 98_304,
    matching: 100_000,
    seen: 0,
    limit: 10,
    wholeVectors: true,
    exact: false,
  };
  expect(candidatesFor(usual)).toBe(128);
  expect(candidatesFor({ ...usual, limit: 50, seen: 50 })).toBe(400);
  for (const change of [
    { exact: true },
    { wholeVectors: false },
    { indexed: 0 },
    { matching: 1000 },
    { seen: 900 },
  ]) {
    expect(candidatesFor({ ...usual, ...change })).toBe(0);
  }
});
