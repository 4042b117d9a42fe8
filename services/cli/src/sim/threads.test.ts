import { expect, test } from "vitest";
import { askThreads } from "./threads.ts";

/** Doubles numbers, the small ones last; breaks over 13. */
const DOUBLING = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", (n) => {
      if (n === 13) throw new Error("unlucky");
      setTimeout(() => parentPort.postMessage(2 * n), 20 - n);
    });`)}`,
);

test("answers stand in the tasks' order, whichever came first", async () => {
  const tasks = [1, 20, 3, 19, 5];
  const told: number[] = [];
  const answers = await askThreads(DOUBLING, tasks, { threads: 3, onAnswer: (n) => told.push(n) });
  expect(answers).toEqual([2, 40, 6, 38, 10]);
  expect(told).toEqual([1, 2, 3, 4, 5]);
  expect(await askThreads(DOUBLING, [], { threads: 3 })).toEqual([]);
});

test("a thread that breaks fails the whole, with its reason", async () => {
  const asked = askThreads(DOUBLING, [1, 13, 2, 3], { threads: 2 });
  await expect(asked).rejects.toMatchObject({ code: "SIM_THREAD", cause: { message: "unlucky" } });
});
