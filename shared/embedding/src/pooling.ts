import { invariant } from "@soma/base";

/** `masked-sum` leaves mask tokens out of the sum but not of the count; `mean` averages all but padding. */
export type PoolingKind = "masked-sum" | "mean";

export interface PoolingInput {
  /** Row-major token vectors of one item: position p has coordinates [p*dimension, (p+1)*dimension). */
  readonly tokens: Float32Array;
  /** Positions, padding included. */
  readonly length: number;
  readonly dimension: number;
  /** Token id at each position. */
  readonly ids: ArrayLike<number>;
  readonly padId: number;
  readonly maskId: number;
  readonly kind: PoolingKind;
}

/**
 * One vector of an item from its token vectors, outside the graph and in a fixed order, so that a batch of
 * one and a batch of many agree (DESIGN 9): float64 sums over rising positions, then one division by N.
 * N counts the non-padding positions for both kinds, so the `masked-sum` of a mask and of its inverse add up
 * to that of the whole item wherever token vectors do not depend on their neighbours. N = 0: zeros.
 */
export function poolTokens(input: PoolingInput): Float64Array {
  const { tokens, length, dimension, ids, padId, maskId, kind } = input;
  invariant(
    tokens.length === length * dimension && ids.length >= length,
    "token vectors of the stated shape",
  );
  const out = new Float64Array(dimension);
  /** Where the token vectors that are summed begin. */
  const starts: number[] = [];
  let counted = 0;
  for (let position = 0; position < length; position++) {
    const id = ids[position]!;
    if (id === padId) continue;
    counted++;
    if (kind !== "masked-sum" || id !== maskId) starts.push(position * dimension);
  }
  // Four positions at a time, still added one after another: the sums leave and enter memory a quarter as often.
  const whole = starts.length - (starts.length % 4);
  for (let i = 0; i < whole; i += 4) {
    const a = starts[i]!;
    const b = starts[i + 1]!;
    const c = starts[i + 2]!;
    const e = starts[i + 3]!;
    for (let d = 0; d < dimension; d++) {
      out[d] = out[d]! + tokens[a + d]! + tokens[b + d]! + tokens[c + d]! + tokens[e + d]!;
    }
  }
  for (let i = whole; i < starts.length; i++) {
    const start = starts[i]!;
    for (let d = 0; d < dimension; d++) out[d] = out[d]! + tokens[start + d]!;
  }
  if (counted > 0) for (let d = 0; d < dimension; d++) out[d] = out[d]! / counted;
  return out;
}
