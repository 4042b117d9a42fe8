import { PassThrough, Readable, Writable } from "node:stream";
import { expect, test } from "vitest";
import { LINE_MALFORMED, LINE_TOO_LONG, UNKNOWN_FUNCTION } from "./answer.ts";
import { CONFORMANCE_FUNCTIONS } from "./registry.ts";
import { MAX_LINE_BYTES, runConformance } from "./run.ts";

function rootCase(id: string): string {
  return `${JSON.stringify({ id, fn: "merkle.root", input: { leaves: [] } })}\n`;
}

/** Keeps what is written, each write taking a turn of the event loop. */
function slowSink(): { sink: Writable; text: () => string } {
  let text = "";
  const sink = new Writable({
    highWaterMark: 16,
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString("utf8");
      setImmediate(done);
    },
  });
  return { sink, text: () => text };
}

async function run(input: Readable): Promise<{ status: number; answers: Record<string, unknown>[] }> {
  const { sink, text } = slowSink();
  const status = await runConformance(input, sink, { list: false });
  const lines = text().split("\n");
  expect(lines.pop()).toBe("");
  return { status, answers: lines.map((line) => JSON.parse(line)) };
}

test("answers stand in the order of the cases, and refusals do not end the stream", async () => {
  const { status, answers } = await run(
    Readable.from([
      rootCase("1"),
      "not json\n",
      "\n   \n",
      '{"id":"2","fn":"no.such","input":{}}\n',
      "x".repeat(MAX_LINE_BYTES + 1),
      `\n${rootCase("3").trimEnd()}`,
    ]),
  );
  expect(status).toBe(0);
  expect(answers).toMatchObject([
    { id: "1", output: {} },
    { id: null, error: { code: LINE_MALFORMED } },
    { id: "2", error: { code: UNKNOWN_FUNCTION } },
    { id: null, error: { code: LINE_TOO_LONG } },
    { id: "3", output: {} },
  ]);
});

test("an empty stream is a whole one", async () => {
  expect(await run(Readable.from([]))).toEqual({ status: 0, answers: [] });
});

test("--list prints the functions and does not read", async () => {
  const { sink, text } = slowSink();
  const never = new PassThrough();
  expect(await runConformance(never, sink, { list: true })).toBe(0);
  expect(text()).toBe([...CONFORMANCE_FUNCTIONS.keys()].map((name) => `${name}\n`).join(""));
  expect(text()).toContain("score.differentialLoss\n");
});

test("a stream that breaks while it is read ends with status 1, after the answers so far", async () => {
  const input = Readable.from(
    (async function* () {
      yield rootCase("1");
      throw new Error("the disk is gone");
    })(),
  );
  const { status, answers } = await run(input);
  expect(status).toBe(1);
  expect(answers).toMatchObject([{ id: "1" }]);
});

test("a reader that goes away ends the command with status 1 and lets the input go", async () => {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const input = Readable.from(Array.from({ length: 50 }, (_, i) => rootCase(String(i))));
  expect(await runConformance(input, sink, { list: false })).toBe(1);
  expect(input.destroyed).toBe(true);
});

test("an output that is closed already ends with status 1", async () => {
  const { sink } = slowSink();
  sink.destroy();
  expect(await runConformance(Readable.from([rootCase("1")]), sink, { list: false })).toBe(1);
});

test("cases are not read ahead of a slow reader", async () => {
  let made = 0;
  const waiting: (() => void)[] = [];
  const sink = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      waiting.push(done);
    },
  });
  const input = Readable.from(
    (function* () {
      for (; made < 10_000; made++) yield rootCase(String(made));
    })(),
    { highWaterMark: 1 },
  );
  const running = runConformance(input, sink, { list: false });
  while (waiting.length === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(made).toBeLessThan(10);
  sink.destroy();
  expect(await running).toBe(1);
});
