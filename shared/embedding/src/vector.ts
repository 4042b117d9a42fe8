import { err, ok, type Result } from "@soma/base";

/** Quanta to one unit: Q4.11 (ARITH-2). */
export const QUANTA = 2048;
/** The longest vector of the protocol (SPACE-1); keeps every squared sum exact in a double (ARITH-2). */
export const MAX_DIMENSION = 2048;
/** The largest magnitude of a coordinate in quanta; -32768 has no positive twin and is refused. */
export const MAX_COORDINATE = 32767;

/** 1.5 x 2^52: adding and taking it away rounds a smaller double to an integer, halves to even (IEEE 754). */
const ROUNDER = 6_755_399_441_055_744;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Real coordinates to int16 Q4.11: q = round half to even of x * 2048 (ARITH-2).
 * Refusals: EMBEDDING_DIMENSION (not 1..2048 coordinates), EMBEDDING_NOT_FINITE, EMBEDDING_RANGE (|q| > 32767).
 */
export function quantise(vector: ArrayLike<number>): Result<Int16Array> {
  if (!isLength(vector.length)) return lengthRefusal(vector.length);
  const out = new Int16Array(vector.length);
  for (let i = 0; i < out.length; i++) {
    const x: unknown = vector[i];
    const q = typeof x === "number" ? x * QUANTA + ROUNDER - ROUNDER : Number.NaN;
    if (!(q >= -MAX_COORDINATE && q <= MAX_COORDINATE)) return coordinateRefusal(x, i);
    out[i] = q;
  }
  return ok(out);
}

/**
 * Coordinates that are integers already, checked and copied. Refusals: EMBEDDING_DIMENSION,
 * EMBEDDING_NOT_FINITE, EMBEDDING_NOT_INTEGER, EMBEDDING_RANGE.
 */
export function vectorOf(quanta: ArrayLike<number>): Result<Int16Array> {
  if (!isLength(quanta.length)) return lengthRefusal(quanta.length);
  const out = new Int16Array(quanta.length);
  for (let i = 0; i < out.length; i++) {
    const q: unknown = quanta[i];
    if (Number.isFinite(q) && !Number.isInteger(q)) {
      return err("EMBEDDING_NOT_INTEGER", `coordinate ${i} is not an integer`);
    }
    if (typeof q !== "number" || !(q >= -MAX_COORDINATE && q <= MAX_COORDINATE)) {
      return coordinateRefusal(q, i);
    }
    out[i] = q;
  }
  return ok(out);
}

/** The bytes that commitments hash (ARITH-2): two's complement, little endian, two bytes a coordinate. */
export function vectorBytes(vector: Int16Array): Uint8Array {
  if (IS_LITTLE_ENDIAN) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength).slice();
  const out = new Uint8Array(2 * vector.length);
  for (let i = 0; i < vector.length; i++) {
    const q = vector[i]!;
    out[2 * i] = q & 255;
    out[2 * i + 1] = (q >> 8) & 255;
  }
  return out;
}

/**
 * Reads `vectorBytes`. Refusals: EMBEDDING_DIMENSION (not whole coordinates, none, more than 2048, or not
 * the `dimension` given), EMBEDDING_RANGE (-32768).
 */
export function fromVectorBytes(bytes: Uint8Array, dimension?: number): Result<Int16Array> {
  const length = bytes.length / 2;
  const right = dimension === undefined ? Number.isInteger(length) : length === dimension;
  if (!right || length < 1 || length > MAX_DIMENSION) {
    return err("EMBEDDING_DIMENSION", `${bytes.length} bytes are no vector of ${dimension ?? "1..2048"}`);
  }
  const out = new Int16Array(length);
  readQuanta(bytes, out);
  return out.includes(-32768) ? err("EMBEDDING_RANGE", "a coordinate is -32768") : ok(out);
}

/** True for a vector that `quantise` could have made, of exactly `dimension` coordinates. */
export function isVector(vector: unknown, dimension: number): vector is Int16Array {
  return (
    vector instanceof Int16Array &&
    vector.length === dimension &&
    dimension >= 1 &&
    dimension <= MAX_DIMENSION &&
    !vector.includes(-32768)
  );
}

/** Fills `out` from as many coordinates of `vectorBytes`' form; -32768 is the caller's to refuse. */
export function readQuanta(bytes: Uint8Array, out: Int16Array): void {
  if (IS_LITTLE_ENDIAN) new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
  else for (let i = 0; i < out.length; i++) out[i] = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
}

function isLength(length: number): boolean {
  return length >= 1 && length <= MAX_DIMENSION;
}

function lengthRefusal(length: number): Result<never> {
  return err("EMBEDDING_DIMENSION", `${length} coordinates, not 1..${MAX_DIMENSION}`);
}

function coordinateRefusal(coordinate: unknown, place: number): Result<never> {
  return Number.isFinite(coordinate)
    ? err("EMBEDDING_RANGE", `coordinate ${place} is beyond ${MAX_COORDINATE} quanta`)
    : err("EMBEDDING_NOT_FINITE", `coordinate ${place} is not a finite number`);
}
