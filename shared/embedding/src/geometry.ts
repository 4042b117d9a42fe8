/** |v|^2 in squared quanta; exact for at most 2048 coordinates (ARITH-2). */
export function squaredNorm(v: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) {
    const x = v[i]!;
    sum += x * x;
  }
  return sum;
}

/** <a, b> in squared quanta, exact; the vectors have one length. */
export function dot(a: Int16Array, b: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * |a - b|^2, coordinates in rising order. Exact for int16 coordinates while there are at most 2^21 of them,
 * hence independent of order; for other numbers this order is the definition (ARITH-3).
 */
export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const d = a[i]! - b[i]!;
    sum += d * d;
  }
  return sum;
}
