import { type CosineKey, compareCosine, squaredNorm } from "@soma/embedding";
import { unitVector } from "./unit.ts";

/** The sum of unit vectors, with its own |c|^2. */
export interface Centroid {
  readonly sum: Float64Array;
  readonly squaredNorm: number;
}

/**
 * POOL-5: a label's centroid: the sum of its examples' unit vectors (POOL-2), so that no example counts more for being
 * longer. Exact for at most 64 examples. Undefined when the sum is zero: such examples say nothing.
 */
export function centroid(examples: readonly Int16Array[]): Centroid | undefined {
  const sum = new Float64Array(examples[0]?.length ?? 0);
  for (const example of examples) {
    const unit = unitVector(example);
    if (unit !== undefined) for (let j = 0; j < sum.length; j++) sum[j]! += unit[j]!;
  }
  const squared = sum.reduce((all, x) => all + x * x, 0);
  return squared === 0 ? undefined : { sum, squaredNorm: squared };
}

/** A label's place in the list that was given, with the item's cosine to its centroid for a person's eye. */
export interface LabelScore {
  readonly label: number;
  readonly similarity: number;
}

/**
 * POOL-5: the labels by the cosine of the item to their centroids, best first, decided in integers, ties by the
 * earlier label. Empty for the zero vector.
 */
export function classify(item: Int16Array, centroids: readonly Centroid[]): LabelScore[] {
  const length = Math.sqrt(squaredNorm(item));
  if (length === 0) return [];
  const keys = centroids.map((of): CosineKey => ({ dot: dotOf(item, of.sum), squaredNorm: of.squaredNorm }));
  return keys
    .map((_, label) => label)
    .sort((a, b) => compareCosine(keys[a]!, keys[b]!) || a - b)
    .map((label) => {
      const key = keys[label]!;
      return { label, similarity: key.dot / Math.sqrt(key.squaredNorm) / length };
    });
}

function dotOf(item: Int16Array, sum: Float64Array): number {
  let all = 0;
  for (let j = 0; j < sum.length; j++) all += item[j]! * sum[j]!;
  return all;
}
