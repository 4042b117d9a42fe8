import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";

const RUNNER = join(import.meta.dirname, "runner.ts");
const MEBIBYTE = 1024 * 1024;
const LINE_MEBIBYTES = 800;

function start(...args: string[]): ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable } {
  return spawn(process.execPath, [RUNNER, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

function rootCase(id: string): string {
  return `${JSON.stringify({ id, fn: "merkle.root", input: { leaves: ["00"] } })}\n`;
}

test("memory stays bounded, whatever the length of a line and of the stream, and no answer is lost", async () => {
  const child = start();
  const closed = once(child, "close");
  const cases = 5000;
  const feed = pipeline(
    Readable.from(
      (function* () {
        const block = "x".repeat(MEBIBYTE);
        for (let i = 0; i < LINE_MEBIBYTES; i++) yield block;
        yield "\n";
        for (let i = 0; i < cases; i++) yield rootCase(`case ${i}`);
      })(),
    ),
    child.stdin,
  );
  const [output, log] = await Promise.all([text(child.stdout), text(child.stderr), feed]);
  expect(await closed).toEqual([0, null]);
  const answers = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers.map((answer) => answer.id)).toEqual([
    null,
    ...Array.from({ length: cases }, (_, i) => `case ${i}`),
  ]);
  expect(answers[0].error.code).toBe("CONFORMANCE_LINE_TOO_LONG");
  // An idle process with all functions loaded takes about 100 MiB, and buffers that wait for their collection some
  // hundreds on a busy machine; keeping the line would take all of it.
  expect(JSON.parse(log).peakMebibytes).toBeLessThan(LINE_MEBIBYTES);
});

test("the functions are listed without any input", async () => {
  const child = start("--list");
  const closed = once(child, "close");
  const output = await text(child.stdout);
  expect(await closed).toEqual([0, null]);
  expect(output.split("\n")).toEqual(
    expect.arrayContaining(["sample.weighted", "tx.decode", "signature.bls"]),
  );
});

test("a reader that goes away ends the process with status 1, and quietly", async () => {
  const child = start();
  const closed = once(child, "close");
  child.stdin.on("error", () => {});
  child.stdin.write(rootCase("first"));
  await once(child.stdout, "readable");
  child.stdout.destroy();
  const feeding = setInterval(() => child.stdin.write(rootCase("next")), 5);
  const log = await text(child.stderr);
  const [status] = await closed;
  clearInterval(feeding);
  expect(status).toBe(1);
  expect(Object.keys(JSON.parse(log))).toEqual(["peakMebibytes"]);
});
