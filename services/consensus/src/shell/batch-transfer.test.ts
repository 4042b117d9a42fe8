import { describe, expect, test } from "vitest";
import { cutResponse, ResponseAssembly } from "./batch-transfer.ts";
import { MAX_RESPONSE_BYTES, PART_BYTES } from "./peer-wire.ts";

const [asked, other] = ["aa".repeat(32), "bb".repeat(32)];
const bytes = new Uint8Array(2 * PART_BYTES + 5).map((_, i) => i % 251);

function expecting(after = 7n): ResponseAssembly {
  const assembly = new ResponseAssembly();
  assembly.expect(asked, after);
  return assembly;
}

/** Compares without walking through each byte in the matcher. */
const isSame = (found: Uint8Array | undefined, wanted: Uint8Array) =>
  found !== undefined && Buffer.compare(found, wanted) === 0;

describe("commit responses in parts", () => {
  test.each([0, 1, PART_BYTES, PART_BYTES + 1])("%i bytes come out as they went in", (size) => {
    const whole = bytes.subarray(0, size);
    const assembly = expecting();
    const took = cutResponse(7n, whole).map((part) => assembly.take(asked, part));
    expect(isSame(took.at(-1), whole)).toBe(true);
    expect(took.slice(0, -1).every((part) => part === undefined)).toBe(true);
  });

  test("in any order, with repeats, over a repeated question", () => {
    const assembly = expecting();
    const [first, second, third] = cutResponse(7n, bytes);
    expect(assembly.take(asked, third!)).toBeUndefined();
    expect(assembly.take(asked, third!)).toBeUndefined();
    assembly.expect(asked, 7n);
    expect(assembly.take(asked, first!)).toBeUndefined();
    expect(isSame(assembly.take(asked, second!), bytes)).toBe(true);
  });

  test("nobody but the one that was asked is heard, and only on what was asked", () => {
    const part = cutResponse(7n, bytes.subarray(0, 9))[0]!;
    expect(new ResponseAssembly().take(asked, part)).toBeUndefined();
    expect(expecting().take(other, part)).toBeUndefined();
    expect(expecting(8n).take(asked, part)).toBeUndefined();
  });

  test("parts of two responses are not mixed", () => {
    const assembly = expecting();
    const [old] = cutResponse(7n, bytes);
    const now = bytes.map((byte) => byte ^ 1);
    assembly.take(asked, old!);
    const last = cutResponse(7n, now).map((part) => assembly.take(asked, part));
    expect(isSame(last.at(-1), now)).toBe(true);
  });

  test.each([
    { parts: 0 },
    { parts: MAX_RESPONSE_BYTES / PART_BYTES + 1 },
    { part: 1 },
    { bytes: new Uint8Array(PART_BYTES + 1) },
  ])("a part that no response has is passed over: %o", (wrong) => {
    const part = { ...cutResponse(7n, bytes.subarray(0, 9))[0]!, ...wrong };
    expect(expecting().take(asked, part)).toBeUndefined();
  });

  test("a response that no peer would put together is not sent", () => {
    expect(cutResponse(7n, new Uint8Array(MAX_RESPONSE_BYTES + 1))).toEqual([]);
  });
});
