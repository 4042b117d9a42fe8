import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { firstMessage } from "./first-message.ts";

const threadOf = (code: string) => new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
const SAYS = `import { parentPort } from "node:worker_threads"; parentPort.postMessage("ready");`;

test("the first message counts, whatever comes after it", async () => {
  const thread = threadOf(`${SAYS} parentPort.postMessage("again"); throw new Error("unlucky");`);
  const ended = new Promise((resolve) => thread.once("exit", resolve));
  expect(await firstMessage(thread)).toBe("ready");
  expect(await ended).toBe(1);
});

test("a thread that throws in its start is refused with what it threw, code and all", async () => {
  const throwing = threadOf(`await 1; throw Object.assign(new Error("unlucky"), { code: "THREAD_TEST" });`);
  await expect(firstMessage(throwing)).rejects.toMatchObject({ code: "THREAD_TEST", message: "unlucky" });
});

test.each([
  ["", 0],
  ["process.exit(3)", 3],
])("a thread that ends in silence is refused: '%s'", async (code, status) => {
  await expect(firstMessage(threadOf(code))).rejects.toThrow(`the thread ended with exit code ${status}`);
});
