import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { answerLine, FUNCTION_FAILED } from "../../../services/cli/src/conformance/answer.ts";

const VECTORS = join(import.meta.dirname, "../../vectors");

interface Case {
  fn: string;
  input: Record<string, unknown>;
}

/** Up to twenty cases of each function, of the shorter ones: what is changed in them decides, not their size. */
function casesByFunction(): Map<string, Case[]> {
  const all = new Map<string, Case[]>();
  for (const file of readdirSync(VECTORS).filter((name) => name.endsWith(".ndjson"))) {
    for (const line of readFileSync(join(VECTORS, file), "utf8").trimEnd().split("\n")) {
      const one: Case = JSON.parse(line);
      const known = all.get(one.fn) ?? [];
      if (line.length < 5000 && known.length < 20) known.push(one);
      all.set(one.fn, known);
    }
  }
  return all;
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", "x", "-1", "1e400", "00", "ff".repeat(32), [], {}, [[]], [null]),
  fc.constantFrom<unknown>(-1, 0, 1, 0.5, -0, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 5e-324, 65_536),
  fc.string({ unit: "binary", maxLength: 3 }),
);

/** The value with the part at `path` (each step modulo what is there) replaced, doubled or left out. */
function changed(value: unknown, path: readonly number[], how: string, by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== "object" || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return by;
  if (Array.isArray(value)) {
    const at = Number(key);
    const part = rest.length === 0 && how !== "replace" ? [] : [changed(value[at], rest, how, by)];
    return how === "double" && rest.length === 0
      ? [...value, value[at]]
      : [...value.slice(0, at), ...part, ...value.slice(at + 1)];
  }
  const copy: Record<string, unknown> = { ...value };
  if (rest.length === 0 && how === "omit") delete copy[key];
  else copy[key] = changed(copy[key], rest, how, by);
  return copy;
}

const change = fc.record({
  path: fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 }),
  how: fc.constantFrom("replace", "double", "omit"),
  by: junk,
});

test.each([...casesByFunction()])("%s answers or refuses a good case that was changed", (fn, cases) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (one, changes) => {
        let input: unknown = one.input;
        for (const { path, how, by } of changes) input = changed(input, path, how, by);
        const answer = answerLine(JSON.stringify({ id: "a", fn, input }));
        if ("error" in answer) {
          expect(answer.error.code).toMatch(/^[A-Z]+(?:_[A-Z]+)+$/);
          expect(answer.error.code).not.toBe(FUNCTION_FAILED);
        } else {
          // What JSON cannot carry (NaN, infinities, undefined) would come back changed.
          expect(JSON.parse(JSON.stringify(answer.output))).toEqual(answer.output);
        }
      },
    ),
    { numRuns: 150 },
  );
});
