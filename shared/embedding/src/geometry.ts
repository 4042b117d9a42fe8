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

/**
 * `squaredDistance` of integer points of one length, at most 2^21 coordinates: any order of the sum gives the same,
 * and four sums at a time do not wait for each other.
 */
export function squaredDistanceOfQuanta(a: Int16Array, b: Int16Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    const d0 = a[i]! - b[i]!;
    const d1 = a[i + 1]! - b[i + 1]!;
    const d2 = a[i + 2]! - b[i + 2]!;
    const d3 = a[i + 3]! - b[i + 3]!;
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
  }
  for (let i = whole; i < a.length; i++) {
    const d = a[i]! - b[i]!;
    s0 += d * d;
  }
  return s0 + s1 + s2 + s3;
}
