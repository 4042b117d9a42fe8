import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedWorker } from "./bounded-worker.ts";
import { KeyedQueue } from "./keyed-queue.ts";

test("tasks of a key keep their order and never overlap, whatever each takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(3)), { maxLength: 40 }),
      async (plan) => {
        const queue = new KeyedQueue();
        const ran: Record<string, number[]> = { a: [], b: [], c: [] };
        const running = new Set<string>();
        await Promise.all(
          plan.map(([key, turns], i) =>
            queue.run(key, async () => {
              expect(running.has(key)).toBe(false);
              running.add(key);
              for (let t = 0; t < turns; t++) await Promise.resolve();
              ran[key]!.push(i);
              running.delete(key);
            }),
          ),
        );
        for (const key of ["a", "b", "c"])
          expect(ran[key]).toEqual(plan.flatMap(([k], i) => (k === key ? [i] : [])));
        await Promise.resolve();
        expect(queue.keys).toBe(0);
      },
    ),
  );
});

test("tasks of different keys run side by side", async () => {
  const queue = new KeyedQueue();
  const gate = Promise.withResolvers<void>();
  const blocked = queue.run("a", () => gate.promise);
  await queue.run("b", async () => {});
  expect(queue.keys).toBe(1);
  gate.resolve();
  await blocked;
});

test("a worker handles, queues and refuses by its bounds, and says when it is idle", async () => {
  const gates: (() => void)[] = [];
  const handled: number[] = [];
  const worker = new BoundedWorker<number>({
    concurrency: 2,
    maxWaiting: 1,
    handle: async (item) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      handled.push(item);
    },
  });
  await worker.idle();
  expect([1, 2, 3, 4].map((item) => worker.offer(item))).toEqual([true, true, true, false]);
  expect(gates).toHaveLength(2);
  const idle = worker.idle();
  while (handled.length < 3) {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await idle;
  expect(handled).toEqual([1, 2, 3]);
});
