import type { Tally } from "./simulate.ts";

/** Of the standard normal: 99 % of it lies within +- Z. */
const Z = 2.5758293035489004;

/** A probability as draws show it, with an interval that covers the true one 99 times of 100. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Draws in which it happened. */
  readonly hits: number;
  readonly draws: number;
}

/** `hits` of `draws`, with Wilson's score interval, which holds for no hits too. */
export function proportion(hits: number, draws: number): Estimate {
  const value = hits / draws;
  const z2 = Z * Z;
  const centre = (value + z2 / (2 * draws)) / (1 + z2 / draws);
  const spread = (Z * Math.sqrt((value * (1 - value)) / draws + z2 / (4 * draws * draws))) / (1 + z2 / draws);
  return {
    value,
    low: hits === 0 ? 0 : Math.max(0, centre - spread),
    high: hits === draws ? 1 : Math.min(1, centre + spread),
    hits,
    draws,
  };
}

/** P[at least `threshold` counted seats] by plain draws. */
export function plainEstimate(tally: Tally, threshold: number): Estimate {
  return proportion(sum(tally.counts, threshold), sum(tally.counts, 0));
}

/**
 * The same by draws from tilted stakes: the mean of the likelihood ratios of those that hit, which is unbiased, and the
 * normal interval of that mean.
 */
export function weighedEstimate(tally: Tally, threshold: number): Estimate {
  const draws = sum(tally.counts, 0);
  const value = sum(tally.weights, threshold) / draws;
  const variance = Math.max(0, sum(tally.squares, threshold) / draws - value * value);
  const spread = Z * Math.sqrt(variance / Math.max(1, draws - 1));
  return {
    value,
    low: Math.max(0, value - spread),
    high: Math.min(1, value + spread),
    hits: sum(tally.counts, threshold),
    draws,
  };
}

export function covers({ low, high }: Estimate, value: number): boolean {
  return low <= value && value <= high;
}

function sum(values: readonly number[], from: number): number {
  let total = 0;
  for (let k = from; k < values.length; k++) total += values[k]!;
  return total;
}
