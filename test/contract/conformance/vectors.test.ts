import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { runConformance } from "../../../services/cli/src/conformance/run.ts";
import { collect } from "./collect.ts";
import { agrees } from "./compare.ts";

const VECTORS = join(import.meta.dirname, "../../vectors");
const files = readdirSync(VECTORS).filter((name) => name.endsWith(".ndjson"));

interface Case {
  id: string;
  fn: string;
  input: unknown;
  expect: unknown;
}

async function casesOf(file: string): Promise<Case[]> {
  const lines = createInterface({ input: createReadStream(join(VECTORS, file)) });
  const cases: Case[] = [];
  for await (const line of lines) cases.push(JSON.parse(line));
  return cases;
}

/** A refusal is compared by its code; an output that has a field `error`, as `consensus.verifyBlock`, is not one. */
function refusalCode(expected: unknown): string | undefined {
  if (typeof expected !== "object" || expected === null || !("error" in expected)) return undefined;
  const { error } = expected;
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
}

test("there are vectors", () => {
  expect(files.length).toBeGreaterThanOrEqual(11);
});

test.each(files)("the services' functions agree with %s", async (file) => {
  const cases = await casesOf(file);
  expect(cases.length).toBeGreaterThan(0);
  const requests = cases.map(({ id, fn, input }) => `${JSON.stringify({ id, fn, input })}\n`);
  const { sink, lines } = collect();

  expect(await runConformance(Readable.from(requests), sink, { list: false })).toBe(0);

  const answers = lines().map((line) => JSON.parse(line));
  expect(answers.map((answer) => answer.id)).toEqual(cases.map((one) => one.id));
  const wrong = cases.flatMap((one, i) => {
    const code = refusalCode(one.expect);
    const right =
      code === undefined ? agrees(answers[i].output, one.expect) : answers[i].error?.code === code;
    return right ? [] : [{ id: one.id, expected: one.expect, answer: answers[i] }];
  });
  expect(wrong).toEqual([]);
});
