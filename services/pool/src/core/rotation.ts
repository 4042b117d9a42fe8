import { roundHalfEven } from "@soma/base";

/** Parts of one in a rotation's components: Q14. */
export const ROTATION_ONE = 16384;

/** The first rows of a published orthogonal rotation: int16 Q14, row by row. */
export interface Rotation {
  readonly dimension: number;
  /** Number of rows, the strongest direction first. */
  readonly leading: number;
  /** `leading * dimension` components. */
  readonly rows: Int16Array;
}

/**
 * POOL-3: the leading `count` coordinates of a vector after the rotation, into `out`: coordinate i is
 * sum_j(row_ij * v_j) / 2^14, rounded half to even and held within +-32767. Integers throughout.
 */
export function rotateInto(out: Int16Array, rotation: Rotation, vector: Int16Array, count: number): void {
  const { dimension, rows } = rotation;
  for (let i = 0; i < count; i++) {
    const at = i * dimension;
    let sum = 0;
    for (let j = 0; j < dimension; j++) sum += rows[at + j]! * vector[j]!;
    out[i] = Math.max(-32767, Math.min(32767, roundHalfEven(sum / ROTATION_ONE)));
  }
}

/** The leading `count` coordinates of a vector as a vector of their own. */
export function leadingDimensions(rotation: Rotation, vector: Int16Array, count: number): Int16Array {
  const out = new Int16Array(count);
  rotateInto(out, rotation, vector, count);
  return out;
}
