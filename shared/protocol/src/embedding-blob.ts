import { fromHex } from "@soma/base";
import { type ItemEmbeddings, readQuanta } from "@soma/embedding";
import type { EncoderId, JobId } from "./ids.ts";
import type { EmbeddingBlob } from "./job-messages.ts";

// A job's vectors are megabytes: this reads and writes `EmbeddingBlobCodec`'s bytes by copying whole vectors.

/** Ids of job and encoder. */
const ID_BYTES = 32;
const HEADER_BYTES = 2 * ID_BYTES + 4;

/** `EmbeddingBlob` of vectors as `vectorBytes`. */
export interface EmbeddingBlobVectors extends Pick<EmbeddingBlob, "job" | "encoder" | "dimension"> {
  readonly items: readonly {
    readonly full: Uint8Array;
    readonly masks: readonly Uint8Array[];
    readonly inverses: readonly Uint8Array[];
  }[];
}

/** The bytes of `EmbeddingBlobCodec`. @throws RangeError on an id that is no 32 bytes in hex */
export function encodeEmbeddingBlob(blob: EmbeddingBlobVectors): Uint8Array {
  const { job, encoder, dimension, items } = blob;
  let length = HEADER_BYTES + digitsOf(items.length);
  for (const { full, masks, inverses } of items) {
    length += sizeOf(full) + digitsOf(masks.length) + digitsOf(inverses.length);
    for (const vector of masks) length += sizeOf(vector);
    for (const vector of inverses) length += sizeOf(vector);
  }
  const out = new Uint8Array(length);
  const ids = [fromHex(job), fromHex(encoder)];
  if (ids.some((id) => id.length !== ID_BYTES)) throw new RangeError("an id is not 32 bytes");
  out.set(ids[0]!, 0);
  out.set(ids[1]!, ID_BYTES);
  new DataView(out.buffer).setUint32(2 * ID_BYTES, dimension, true);
  let at = writeLength(out, HEADER_BYTES, items.length);
  const write = (vector: Uint8Array): void => {
    at = writeLength(out, at, vector.length);
    out.set(vector, at);
    at += vector.length;
  };
  for (const { full, masks, inverses } of items) {
    write(full);
    for (const vectors of [masks, inverses]) {
      at = writeLength(out, at, vectors.length);
      for (const vector of vectors) write(vector);
    }
  }
  return out;
}

/** What a blob must be: whose, and how many vectors of which length for each item. */
export interface BlobShape {
  readonly job: JobId;
  readonly encoder: EncoderId;
  readonly dimension: number;
  readonly masksOfItem: readonly number[];
}

/**
 * The vectors in a blob from anyone; null unless it is the canonical encoding of this job's, this encoder's and this
 * shape's vectors, every coordinate within +-32767. Costs time in proportion to the shape, whatever the bytes.
 */
export function readEmbeddingBlob(bytes: Uint8Array, shape: BlobShape): ItemEmbeddings[] | null {
  const { dimension, masksOfItem } = shape;
  if (bytes.length !== bytesOf(shape)) return null;
  const header = encodeEmbeddingBlob({ job: shape.job, encoder: shape.encoder, dimension, items: [] });
  for (let i = 0; i < HEADER_BYTES; i++) if (bytes[i] !== header[i]) return null;

  const count = masksOfItem.reduce((sum, masks) => sum + 1 + 2 * masks, 0);
  const quanta = new Int16Array(count * dimension);
  const digits = new Uint8Array(5);
  let at = HEADER_BYTES;
  let place = 0;
  const isLength = (length: number): boolean => {
    const end = writeLength(digits, 0, length);
    for (let i = 0; i < end; i++) if (bytes[at + i] !== digits[i]) return false;
    at += end;
    return true;
  };
  const vector = (): Int16Array | null => {
    if (!isLength(2 * dimension)) return null;
    const out = quanta.subarray(place, place + dimension);
    readQuanta(bytes.subarray(at, at + 2 * dimension), out);
    at += 2 * dimension;
    place += dimension;
    return out;
  };
  const vectors = (length: number): Int16Array[] | null => {
    if (!isLength(length)) return null;
    const out: Int16Array[] = [];
    for (let i = 0; i < length; i++) {
      const read = vector();
      if (read === null) return null;
      out.push(read);
    }
    return out;
  };

  if (!isLength(masksOfItem.length)) return null;
  const items: ItemEmbeddings[] = [];
  for (const masks of masksOfItem) {
    const full = vector();
    if (full === null) return null;
    const some = vectors(masks);
    if (some === null) return null;
    const inverses = vectors(masks);
    if (inverses === null) return null;
    items.push({ full, masks: some, inverses });
  }
  return quanta.includes(-32768) ? null : items;
}

/** Bytes of a blob of this shape: no other number is one. */
function bytesOf({ dimension, masksOfItem }: BlobShape): number {
  const vector = 2 * dimension + digitsOf(2 * dimension);
  return masksOfItem.reduce(
    (sum, masks) => sum + (1 + 2 * masks) * vector + 2 * digitsOf(masks),
    HEADER_BYTES + digitsOf(masksOfItem.length),
  );
}

function sizeOf(vector: Uint8Array): number {
  return vector.length + digitsOf(vector.length);
}

/** Digits of a length in base 128. */
function digitsOf(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) digits++;
  return digits;
}

/** Writes a length in base 128, least digit first; the place after it. */
function writeLength(out: Uint8Array, from: number, length: number): number {
  let at = from;
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128;
  out[at++] = rest;
  return at;
}
