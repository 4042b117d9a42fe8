import { unitVector } from "./unit.ts";

/**
 * POOL-6: the query of a recommendation by examples. With u the unit vectors (POOL-2), P positive and N negative
 * examples: q = sum(u_p) if there are no negative ones, else q = 2 * N * sum(u_p) - P * sum(u_n), which is twice the
 * mean of the positive less the mean of the negative, times P * N. The query is q's unit vector. Exact for at most 32
 * examples of each kind; undefined when they cancel out or have no direction.
 */
export function recommendationQuery(
  positive: readonly Int16Array[],
  negative: readonly Int16Array[],
): Int16Array | undefined {
  const liked = sumOfUnits(positive);
  if (negative.length === 0) return unitVector(liked);
  const disliked = sumOfUnits(negative);
  return unitVector(liked.map((x, j) => 2 * negative.length * x - positive.length * (disliked[j] ?? 0)));
}

function sumOfUnits(vectors: readonly Int16Array[]): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) {
    const unit = unitVector(vector);
    if (unit !== undefined) for (let j = 0; j < sum.length; j++) sum[j]! += unit[j]!;
  }
  return sum;
}
