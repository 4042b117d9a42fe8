import { decodeExact, encode } from "@soma/codec";
import { fromVectorBytes } from "@soma/embedding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BlobShape, encodeEmbeddingBlob, readEmbeddingBlob } from "./embedding-blob.ts";
import { type EmbeddingBlob, EmbeddingBlobCodec } from "./job-messages.ts";

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));

/** Blobs of any shape, ragged ones too; lengths on both sides of a second digit. */
const ragged: fc.Arbitrary<EmbeddingBlob> = fc.record({
  job: id,
  encoder: id,
  dimension: fc.integer({ min: 0, max: 0xffffffff }),
  items: fc.array(
    fc.record({
      full: fc.uint8Array({ maxLength: 140 }),
      masks: fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 130 }),
      inverses: fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 3 }),
    }),
    { maxLength: 130 },
  ),
});

const shapes: fc.Arbitrary<BlobShape> = fc.record({
  job: id,
  encoder: id,
  dimension: fc.constantFrom(1, 3, 64, 65),
  masksOfItem: fc.array(fc.integer({ min: 2, max: 8 }), { minLength: 1, maxLength: 4 }),
});

/** A blob of the shape with random bytes for coordinates. */
function blobOf({ job, encoder, dimension, masksOfItem }: BlobShape, random: Uint8Array): EmbeddingBlob {
  let at = 0;
  const vector = () => Uint8Array.from({ length: 2 * dimension }, () => random[at++ % random.length]!);
  const vectors = (length: number) => Array.from({ length }, vector);
  const items = masksOfItem.map((n) => ({ full: vector(), masks: vectors(n), inverses: vectors(n) }));
  return { job, encoder, dimension, items };
}

/** What `readEmbeddingBlob` must give, by the general codec and vector by vector. */
function slowly(bytes: Uint8Array, { job, encoder, dimension, masksOfItem }: BlobShape) {
  const blob = decodeExact(EmbeddingBlobCodec, bytes, bytes.length);
  if (!blob.ok) return null;
  const { value } = blob;
  if (value.job !== job || value.encoder !== encoder || value.dimension !== dimension) return null;
  if (value.items.length !== masksOfItem.length) return null;
  const read = (vector: Uint8Array) => {
    const quanta = fromVectorBytes(vector, dimension);
    return quanta.ok ? quanta.value : null;
  };
  const items = value.items.map(({ full, masks, inverses }) => ({
    full: read(full),
    masks: masks.map(read),
    inverses: inverses.map(read),
  }));
  const isWhole = items.every(
    ({ full, masks, inverses }, item) =>
      masks.length === masksOfItem[item] &&
      inverses.length === masksOfItem[item] &&
      [full, ...masks, ...inverses].every((vector) => vector !== null),
  );
  return isWhole ? items : null;
}

describe("encodeEmbeddingBlob", () => {
  test("gives the bytes of the codec", () => {
    fc.assert(
      fc.property(ragged, (blob) => {
        expect(encodeEmbeddingBlob(blob)).toEqual(encode(EmbeddingBlobCodec, blob));
      }),
      { numRuns: 60 },
    );
  });

  test("throws on an id that is none", () => {
    const blob = { job: "ab", encoder: "00".repeat(32), dimension: 1, items: [] };
    expect(() => encodeEmbeddingBlob(blob)).toThrow(RangeError);
  });
});

describe("readEmbeddingBlob", () => {
  test("gives what the codec gives, of a whole blob and of one with bytes changed", () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) });
    const changes = fc.array(change, { maxLength: 2 });
    const random = fc.uint8Array({ minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(
        shapes,
        random,
        changes,
        fc.integer({ min: -2, max: 2 }),
        (shape, coordinates, some, cut) => {
          const bytes = encodeEmbeddingBlob(blobOf(shape, coordinates));
          for (const { at, to } of some) bytes[at % bytes.length] = to;
          // Within a larger buffer, at an odd place, as messages are.
          const within = new Uint8Array(bytes.length + 8).fill(7);
          within.set(bytes, 3);
          const given = within.subarray(3, 3 + bytes.length + (some.length === 0 ? 0 : cut));
          expect(readEmbeddingBlob(given, shape)).toEqual(slowly(given, shape));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("takes a whole blob, and refuses another shape, owner, or -32768", () => {
    const shape = { job: "0a".repeat(32), encoder: "0b".repeat(32), dimension: 64, masksOfItem: [2, 3] };
    const blob = blobOf(shape, Uint8Array.of(1, 2, 3));
    const bytes = encodeEmbeddingBlob(blob);
    expect(readEmbeddingBlob(bytes, shape)).toHaveLength(2);
    for (const other of [
      { job: shape.encoder },
      { encoder: shape.job },
      { dimension: 63 },
      { masksOfItem: [3, 2] },
      { masksOfItem: [2] },
    ]) {
      expect(readEmbeddingBlob(bytes, { ...shape, ...other })).toBeNull();
    }
    const least = Uint8Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? 0 : 0x80));
    const items = blob.items.map((item) => ({ ...item, full: least }));
    expect(readEmbeddingBlob(encodeEmbeddingBlob({ ...blob, items }), shape)).toBeNull();
  });
});
