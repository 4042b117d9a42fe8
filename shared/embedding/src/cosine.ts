import { dot, squaredNorm } from "./geometry.ts";

/** Doubles agree with the exact cosine to far less than this, so a larger gap decides; else integers do. */
const CLEAR_GAP = 1e-9;

/** A vector as seen from a query: <query, vector> and |vector|^2, both exact. */
export interface CosineKey {
  readonly dot: number;
  readonly squaredNorm: number;
}

export function cosineKey(query: Int16Array, vector: Int16Array): CosineKey {
  return { dot: dot(query, vector), squaredNorm: squaredNorm(vector) };
}

/**
 * Which vector has the higher cosine to the query, exactly: negative if `a` has, positive if `b` has, 0 if
 * the cosines are equal. A zero vector comes after every other. Doubles only settle what they cannot get
 * wrong; whatever is close is compared as s*|s|/|v|^2 in integers.
 */
export function compareCosine(a: CosineKey, b: CosineKey): number {
  if (a.squaredNorm === 0 || b.squaredNorm === 0) {
    return Number(a.squaredNorm === 0) - Number(b.squaredNorm === 0);
  }
  const ca = a.dot / Math.sqrt(a.squaredNorm);
  const cb = b.dot / Math.sqrt(b.squaredNorm);
  const gap = cb - ca;
  const size = ca * ca + cb * cb;
  if (gap * gap > CLEAR_GAP * CLEAR_GAP * size) return gap;
  const left = signedSquare(a.dot) * BigInt(b.squaredNorm);
  const right = signedSquare(b.dot) * BigInt(a.squaredNorm);
  return left > right ? -1 : left < right ? 1 : 0;
}

/**
 * Indices of the `limit` vectors with the highest cosine to the query, best first, ties by lower index. All
 * vectors have the query's dimension.
 */
export function nearestByCosine(query: Int16Array, vectors: readonly Int16Array[], limit: number): number[] {
  const keys = vectors.map((vector) => cosineKey(query, vector));
  return keys
    .map((_, index) => index)
    .sort((i, j) => compareCosine(keys[i]!, keys[j]!) || i - j)
    .slice(0, limit);
}

/** Cosine for a person's eye, in [-1, 1] up to rounding; 0 if a vector is zero. Decides nothing (ARITH-3). */
export function displayCosine(a: Int16Array, b: Int16Array): number {
  const norms = Math.sqrt(squaredNorm(a)) * Math.sqrt(squaredNorm(b));
  return norms === 0 ? 0 : dot(a, b) / norms;
}

function signedSquare(s: number): bigint {
  const big = BigInt(s);
  return s < 0 ? -big * big : big * big;
}
