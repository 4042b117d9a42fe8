/** The length that unit vectors are scaled to: 2^14, so that sums of many stay exact in doubles. */
export const UNIT = 16384;

/** Beyond this distance from a half, the double's error (below 1e-10) cannot change the rounding. */
const CLEAR = 1e-6;

/**
 * POOL-2: a vector scaled to length 2^14. Coordinate j is the integer nearest to v_j * 2^14 / |v|, halves away from
 * zero; that is, for v_j >= 0, the greatest t with (2t - 1)^2 * |v|^2 <= (2 * v_j * 2^14)^2. Integers in with
 * |v|^2 < 2^53, integers out; undefined for the zero vector, which has no direction.
 */
export function unitVector(v: ArrayLike<number>): Int16Array | undefined {
  let squared = 0;
  for (let j = 0; j < v.length; j++) squared += v[j]! * v[j]!;
  if (squared === 0) return undefined;
  const length = Math.sqrt(squared);
  const out = new Int16Array(v.length);
  for (let j = 0; j < v.length; j++) {
    const size = Math.abs(v[j]!);
    const scaled = (size * UNIT) / length;
    let t = Math.floor(scaled + 0.5);
    if (Math.abs(scaled + 0.5 - Math.round(scaled + 0.5)) < CLEAR) t = exact(size, squared);
    out[j] = v[j]! < 0 ? -t : t;
  }
  return out;
}

function exact(size: number, squared: number): number {
  const right = (2n * BigInt(size) * BigInt(UNIT)) ** 2n;
  const fits = (t: bigint) => t <= 0n || (2n * t - 1n) ** 2n * BigInt(squared) <= right;
  let t = BigInt(Math.round((size * UNIT) / Math.sqrt(squared)));
  while (!fits(t)) t--;
  while (fits(t + 1n)) t++;
  return Number(t);
}
