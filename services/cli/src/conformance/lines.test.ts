import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, readLines } from "./lines.ts";

async function linesOf(input: Readable, maxBytes = 1000): Promise<Line[]> {
  const out: Line[] = [];
  for await (const line of readLines(input, maxBytes)) out.push(line);
  return out;
}

test.each<[string, string[], Line[]]>([
  ["no bytes, no lines", [], []],
  ["a last line without newline", ["a\nb"], ["a", "b"]],
  ["a last line with newline", ["a\nb\n"], ["a", "b"]],
  ["empty lines", ["\n\na\n"], ["", "", "a"]],
  ["a line over chunks", ["a", "b", "\n", "c\nd", "e"], ["ab", "c", "de"]],
])("%s", async (_name, chunks, lines) => {
  expect(await linesOf(Readable.from(chunks))).toEqual(lines);
});

test("a character cut by a chunk is whole in its line", async () => {
  const bytes = Buffer.from("ü𝄞\n", "utf8");
  const single = Array.from(bytes, (byte) => Buffer.of(byte));
  expect(await linesOf(Readable.from(single))).toEqual(["ü𝄞"]);
});

test("a line of exactly the limit is kept, one byte more is not, and the next line is read", async () => {
  const chunks = ["x".repeat(5), "x".repeat(5), "\n", "y".repeat(11), "\nz\n", "w".repeat(40)];
  expect(await linesOf(Readable.from(chunks), 10)).toEqual(["x".repeat(10), null, "z", null]);
});

test("how the bytes are cut does not matter", async () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom("a", "{", "ü", "𝄞", " ") }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.nat(200)), async (text, cuts) => {
      const bytes = Buffer.from(text.map((line) => `${line}\n`).join(""), "utf8");
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(await linesOf(Readable.from(chunks.filter((chunk) => chunk.length > 0)))).toEqual(text);
    }),
    { numRuns: 100 },
  );
});
