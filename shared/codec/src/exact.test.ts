import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bcs } from "./bcs.ts";
import { decodeExact, encode } from "./exact.ts";
import { byteString, bytes32, i16s, u64 } from "./primitives.ts";

const Sample = bcs.struct("Sample", {
  id: bytes32,
  amount: u64,
  parts: bcs.vector(byteString),
  maybe: bcs.option(bcs.u8()),
  values: i16s,
});
const value = {
  id: "ab".repeat(32),
  amount: 2n ** 64n - 1n,
  parts: [Uint8Array.of(1, 2), new Uint8Array()],
  maybe: null,
  values: Int16Array.of(-32768, 0, 32767),
};

/** A vector of so many empty byte strings, 128 to 16383. */
function claimOf(count: number): Uint8Array {
  return Uint8Array.of((count & 127) | 128, count >> 7, ...new Uint8Array(count));
}

describe("decodeExact", () => {
  test("gives back what was encoded", () => {
    expect(decodeExact(Sample, encode(Sample, value), 1000)).toEqual({ ok: true, value });
  });

  test.each([
    ["too large", encode(Sample, value), 10, "CODEC_TOO_LARGE"],
    ["cut short", encode(Sample, value).slice(0, 40), 1000, "CODEC_MALFORMED"],
    ["with a byte more", Uint8Array.of(...encode(Sample, value), 0), 1000, "CODEC_NOT_CANONICAL"],
    [
      "with an odd number of bytes for int16",
      Uint8Array.of(...encode(Sample, value).slice(0, -7), 5, 1, 2, 3, 4, 5),
      1000,
      "CODEC_MALFORMED",
    ],
  ])("refuses bytes %s", (_, bytes, most, code) => {
    expect(decodeExact(Sample, bytes, most)).toMatchObject({ ok: false, code });
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["too few bytes for an id", new Uint8Array(3)],
    ["too few for a number", new Uint8Array(34)],
    ["a length beyond the end", Uint8Array.of(...encode(Sample, value).slice(0, 40), 1, 255, 255, 3)],
  ])("says of %s what was expected and what was found, without the platform's words", (_, bytes) => {
    expect(decodeExact(Sample, bytes, 1000)).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`^${bytes.length} bytes that are no Sample: they end in the`),
      ),
    });
  });

  test("does not read on past a view of a larger buffer", () => {
    const whole = encode(Sample, value);
    for (let length = 0; length < whole.length; length++) {
      expect(decodeExact(Sample, whole.subarray(0, length), 1000)).toMatchObject({ code: "CODEC_MALFORMED" });
    }
  });

  test("a vector that claims billions of elements costs nothing", () => {
    const claims = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f);
    const before = process.memoryUsage().rss;
    for (const type of [bcs.vector(bcs.u8()), bcs.vector(byteString), bcs.vector(bytes32)]) {
      expect(decodeExact(type as never, claims, 1000)).toMatchObject({ ok: false, code: "CODEC_MALFORMED" });
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([
    ["five digits of ones: above u32", Uint8Array.of(255, 255, 255, 255, 31)],
    ["a superfluous digit", Uint8Array.of(0x81, 0)],
    ["a quarter of a million digits", new Uint8Array(262_144).fill(255)],
    ["more short elements than the bytes can stand for", claimOf(8000)],
  ])("refuses a length of %s", (_, bytes) => {
    expect(decodeExact(bcs.vector(byteString), bytes, 1_000_000)).toMatchObject({ code: "CODEC_MALFORMED" });
  });

  test("takes thousands of short elements, as a job of short items has", () => {
    const items = Array.from({ length: 1024 }, () => new Uint8Array(0));
    expect(decodeExact(bcs.vector(byteString), encode(bcs.vector(byteString), items), 2000).ok).toBe(true);
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeExact(Sample, bytes, 1000)),
    );
  });
});
