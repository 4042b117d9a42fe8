import { BLOCK_LIMITS } from "@soma/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TransactionPull } from "./transaction-pull.ts";

/** Queues that give their heads, as replicas do. */
function queues(held: Readonly<Record<string, Uint8Array[]>>) {
  const asked: string[] = [];
  const pull = new TransactionPull(async (id, { maxTransactions, maxBytes }) => {
    asked.push(id);
    const queue = held[id];
    if (queue === undefined) return undefined;
    const batch: Uint8Array[] = [];
    let bytes = 0;
    while (queue.length > 0 && batch.length < maxTransactions && bytes + queue[0]!.length <= maxBytes) {
      bytes += queue[0]!.length;
      batch.push(queue.shift()!);
    }
    return batch;
  });
  return { pull, asked };
}

const many = (count: number, size: number, mark: number) =>
  Array.from({ length: count }, () => new Uint8Array(size).fill(mark));
const countOf = (batch: readonly Uint8Array[], mark: number) =>
  batch.filter(([first]) => first === mark).length;

test("each replica gets room by its partitions, and what one leaves the others take", async () => {
  const held = { a: many(1_000, 10, 1), b: many(1_000, 10, 2), c: many(3, 10, 3) };
  const { pull } = queues(held);
  for (const [id, partitions] of [
    ["a", 8],
    ["b", 4],
    ["c", 4],
  ] as const)
    pull.heard(id, partitions, 1);
  const batch = await pull.take(160);
  expect(batch.length).toBe(160);
  expect(countOf(batch, 1)).toBeGreaterThanOrEqual(80);
  expect(countOf(batch, 2)).toBeGreaterThanOrEqual(40);
  expect(countOf(batch, 3)).toBe(3);
});

test("a transaction of half a block finds its turn beside a replica that fills every block", async () => {
  const large = Math.floor(BLOCK_LIMITS.totalTransactionBytes / 2);
  const held = { a: many(1_000, 100_000, 1), b: many(1, large, 2) };
  const { pull } = queues(held);
  pull.heard("a", 8, 1);
  pull.heard("b", 8, 1);
  const pulls = [await pull.take(512), await pull.take(512)];
  expect(countOf(pulls.flat(), 2)).toBe(1);
});

test("who does not answer is not asked again until it speaks, nor who has left", async () => {
  const { pull, asked } = queues({ a: many(5, 10, 1) });
  for (const id of ["a", "dead", "gone"]) pull.heard(id, 4, 1);
  pull.heard("gone", 0, 0);
  await pull.take(2);
  await pull.take(1);
  expect([...asked].sort()).toEqual(["a", "a", "a", "dead"]);
  pull.heard("dead", 4, 1);
  await pull.take(2);
  expect(asked.filter((id) => id === "dead").length).toBe(2);
});

test("who has nothing is not asked again until it says that something waits", async () => {
  const held: Record<string, Uint8Array[]> = { a: [], b: many(1, 10, 2) };
  const { pull, asked } = queues(held);
  pull.heard("a", 8, 0);
  pull.heard("b", 8, 1);
  expect((await pull.take(8)).length).toBe(1);
  expect(asked).toEqual(["b"]);
  // It gave something, and so may have more.
  expect((await pull.take(8)).length).toBe(0);
  expect((await pull.take(8)).length).toBe(0);
  expect(asked).toEqual(["b", "b"]);
  const stop = new AbortController();
  let isExpected = false;
  const expecting = pull.expecting(stop.signal).then(() => {
    isExpected = true;
  });
  pull.heard("a", 8, 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isExpected).toBe(false);
  held["a"] = many(3, 10, 1);
  pull.heard("a", 8, 3);
  await expecting;
  expect((await pull.take(8)).length).toBe(3);
  stop.abort();
  await pull.expecting(stop.signal);
});

test("what a replica says while it answers that it has nothing is not lost", async () => {
  const pull = new TransactionPull(async (id) => {
    pull.heard(id, 16, 1);
    return [];
  });
  pull.heard("a", 16, 1);
  await pull.take(8);
  await pull.expecting(new AbortController().signal);
});

test("no pull exceeds the room, and whatever waits is taken in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: BLOCK_LIMITS.transactionBytes }), { maxLength: 8 }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.integer({ min: 1, max: 20 }),
      async (sizes, room) => {
        const held = Object.fromEntries(
          sizes.map((of, i) => [String(i), of.map((size) => new Uint8Array(size))]),
        );
        const { pull } = queues(held);
        for (const id of Object.keys(held)) pull.heard(id, 3, 1);
        const total = sizes.flat().length;
        let taken = 0;
        for (let n = 0; n < total * sizes.length; n++) {
          const batch = await pull.take(room);
          expect(batch.length).toBeLessThanOrEqual(room);
          const bytes = batch.reduce((sum, { length }) => sum + length, 0);
          expect(bytes).toBeLessThanOrEqual(BLOCK_LIMITS.totalTransactionBytes);
          taken += batch.length;
        }
        expect(taken).toBe(total);
      },
    ),
    { numRuns: 50 },
  );
});
