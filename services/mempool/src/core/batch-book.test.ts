import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchBook, type Stored } from "./batch-book.ts";

const stored = (digest: string, partition = 0, size = 10): Stored => ({
  digest,
  partition,
  bytes: new Uint8Array(size),
});
const waits = () => true;

/** A book with one batch of these, written at 0. */
function bookOf(...digests: string[]): BatchBook {
  const book = new BatchBook();
  for (const batch of book.open(digests.map((digest) => stored(digest)))) book.settle(batch, true, waits, 0);
  return book;
}

describe("the book of batches", () => {
  test("one batch a partition, numbers that count up, and large ones cut", () => {
    const book = new BatchBook();
    const first = book.open([stored("a", 1), stored("b", 2), stored("c", 1)]);
    expect(
      first.map(({ partition, number, transactions }) => [partition, number, transactions.length]),
    ).toEqual([
      [1, 1n, 2],
      [2, 1n, 1],
    ]);
    const large = book.open([stored("d", 1, 700_000), stored("e", 1, 700_000)]);
    expect(large.map(({ number }) => number)).toEqual([2n, 3n]);
  });

  test("a batch is known from the moment it is written until it is removed", () => {
    const book = new BatchBook();
    const [batch] = book.open([stored("a")]);
    expect(book.has(batch!)).toBe(true);
    book.settle(batch!, false, waits, 0);
    expect(book.has(batch!)).toBe(false);
    const [again] = book.open([stored("a")]);
    book.settle(again!, true, waits, 0);
    book.leave("a");
    const finished = book.takeFinished();
    expect([finished.length, book.has(again!)]).toEqual([1, true]);
    book.keepFinished(finished);
    expect(book.takeFinished().length).toBe(1);
    book.removed(finished);
    expect([book.has(again!), book.hasFinished]).toEqual([false, false]);
  });

  test("goes when the last of it has left, also while it was being written", () => {
    const book = bookOf("a", "b");
    book.leave("a");
    book.leave("a");
    expect(book.hasFinished).toBe(false);
    book.leave("b");
    expect(book.takeFinished()).toMatchObject([{ partition: 0, number: 1n }]);
    const [late] = book.open([stored("c")]);
    book.settle(late!, true, () => false, 0);
    expect(book.hasFinished).toBe(true);
  });

  test("old ones that are mostly empty are written anew, and then go", () => {
    const book = bookOf("a", "b", "c");
    expect(book.sparse(1)).toEqual([]);
    book.leave("a");
    book.leave("b");
    expect(book.sparse(0)).toEqual([]);
    expect(book.sparse(1)).toEqual([{ partition: 0, digests: ["c"] }]);
    const [anew] = book.open([stored("c")]);
    book.settle(anew!, true, waits, 2);
    expect(book.takeFinished()).toMatchObject([{ number: 1n }]);
    book.leave("c");
    expect(book.takeFinished()).toMatchObject([{ number: 2n }]);
  });

  test("forgets what is somebody else's, and goes on after the last number that it found", () => {
    const book = bookOf("a");
    book.leave("a");
    book.forget(new Set([0]));
    expect(book.hasFinished).toBe(false);
    book.keep({ partition: 0, number: 7n }, 10, [stored("b")], 0);
    expect(book.open([stored("c")])[0]!.number).toBe(8n);
  });

  test("whatever leaves in whatever order, batches go exactly when nothing of them waits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(30), { maxLength: 6 }), { maxLength: 12 }),
        fc.array(fc.nat(30)),
        (batches, leaving) => {
          const book = new BatchBook();
          const holder = new Map<number, string>();
          for (const numbers of batches) {
            const unique = [...new Set(numbers)];
            for (const batch of book.open(unique.map((n) => stored(String(n), n % 3)))) {
              book.settle(batch, true, waits, 0);
              for (const { digest } of batch.transactions) {
                holder.set(Number(digest), `${batch.partition}/${batch.number}`);
              }
            }
          }
          const names = () => book.takeFinished().map(({ partition, number }) => `${partition}/${number}`);
          const gone = new Set(names());
          for (const n of leaving) {
            book.leave(String(n));
            holder.delete(n);
            for (const name of names()) {
              expect(gone.has(name)).toBe(false);
              gone.add(name);
            }
            for (const name of holder.values()) expect(gone.has(name)).toBe(false);
          }
          for (const n of [...holder.keys()]) book.leave(String(n));
          for (const name of names()) gone.add(name);
          const written = new Map<number, number>();
          for (const numbers of batches) {
            for (const partition of new Set(numbers.map((n) => n % 3))) {
              written.set(partition, (written.get(partition) ?? 0) + 1);
            }
          }
          expect(gone.size).toBe([...written.values()].reduce((a, b) => a + b, 0));
        },
      ),
    );
  });
});
