import fc from "fast-check";
import { expect, test } from "vitest";
import { type Answer, answerLine, FUNCTION_FAILED, LINE_MALFORMED, UNKNOWN_FUNCTION } from "./answer.ts";
import { INPUT_INVALID } from "./function.ts";
import { CONFORMANCE_FUNCTIONS } from "./registry.ts";

function codeOf(answer: Answer): string | undefined {
  return "error" in answer ? answer.error.code : undefined;
}

test.each<[string, string, Answer["id"]]>([
  ["text", "hello", null],
  ["nothing closed", '{"id":"a","fn":', "a"],
  ["NaN, which is not JSON", '{"id": "a\\"b", "fn":"embedding.quantise","input":{"vector":[NaN]}}', 'a"b'],
  ["Infinity, which is not JSON", '{"id":"a","fn":"embedding.quantise","input":{"vector":[Infinity]}}', "a"],
  ["a list", "[]", null],
  ["null", "null", null],
  ["a number", "7", null],
  ["no id", '{"fn":"sample.seats","input":{}}', null],
  ["an id that is an object", '{"id":{},"fn":"sample.seats","input":{}}', null],
  ["no function", '{"id":"a","input":{}}', "a"],
  ["a function that is no text", '{"id":5,"fn":5,"input":{}}', 5],
  ["deep nesting", `${"[".repeat(200_000)}`, null],
])("a line that is no case is refused: %s", (_name, line, id) => {
  expect(answerLine(line)).toMatchObject({ id, error: { code: LINE_MALFORMED } });
});

test.each([
  "no.such",
  "",
  "constructor",
  "__proto__",
  "toString",
  "sample.Weighted",
  "curiosity.score",
  "signature.sr25519",
  "econ.virtualStake",
])("the function %j does not exist", (fn) => {
  expect(answerLine(JSON.stringify({ id: "a", fn, input: {} }))).toMatchObject({
    id: "a",
    error: { code: UNKNOWN_FUNCTION },
  });
});

const names = [...CONFORMANCE_FUNCTIONS.keys()];

test.each(names)("%s refuses input of another form", (fn) => {
  for (const input of [undefined, null, 1, "x", true, [], {}, { a: 1 }]) {
    expect(codeOf(answerLine(JSON.stringify({ id: "a", fn, input })))).toBe(INPUT_INVALID);
  }
});

test("an infinity written as a number is refused", () => {
  const line = '{"id":"a","fn":"embedding.quantise","input":{"vector":[1e400]}}';
  expect(codeOf(answerLine(line))).toBe(INPUT_INVALID);
});

test("numbers come back as strings where they may pass 2^53, and u64 is exact", () => {
  const input = { lossesPpb: ["0"], embeddings: [[1]], excluded: [] };
  expect(answerLine(JSON.stringify({ id: "a", fn: "score.weightedAverage", input }))).toEqual({
    id: "a",
    output: { weights: [(2n ** 64n / 250_000_000n).toString()], average: [1] },
  });
});

const field = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom("00", "ab".repeat(32), "ab".repeat(96), "1", "-1", "1e-13", "ceil", "text"),
  fc.array(fc.integer({ min: -3, max: 40_000 }), { maxLength: 4 }),
  fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 3 }), { maxLength: 4 }),
  fc.array(fc.constantFrom("00", "01", "ab".repeat(48)), { maxLength: 4 }),
  fc.record({ num: fc.integer({ min: -1, max: 9 }), den: fc.integer({ min: -1, max: 9 }) }),
);
const fieldNames = [
  ...["seed", "ids", "stakes", "m", "n", "encoders", "dishonest", "quorum", "budget", "rounding"],
  ...["dishonestCount", "size", "threshold", "block", "data", "length", "modality", "masks", "vector"],
  ...["full", "mask", "inverse", "points", "k", "lossesPpb", "embeddings", "excluded", "loss", "lof"],
  ...["latency", "leaves", "index", "secret", "alpha", "public", "proof", "bytes", "message", "signature"],
  ...["publics", "total", "blocks", "start", "refs", "gcDepth", "schedule", "upToRound"],
];
const anyInput = fc.record(Object.fromEntries(fieldNames.map((name) => [name, field])));

test.each(names)("%s answers or refuses whatever it is given, and no answer holds a NaN", (fn) => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const answer = answerLine(JSON.stringify({ id: "a", fn, input }));
      expect(codeOf(answer)).not.toBe(FUNCTION_FAILED);
      if ("output" in answer) expect(holdsNonFinite(answer.output)).toBe(false);
    }),
    { numRuns: 60 },
  );
});

function holdsNonFinite(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(holdsNonFinite);
}

test("any text is answered", () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      expect(codeOf(answerLine(line))).toBe(LINE_MALFORMED);
    }),
  );
});
