import { Rng } from "@soma/base";
import { doubledRanks } from "@soma/embedding";

/** A statistic and its 95 % bootstrap interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Mean of a named series, over the sample or over a resample of it. */
export type MeanOf = (series: string) => number;

/**
 * Percentile bootstrap over queries. All series are resampled together, so that differences are paired; the same
 * seed gives the same intervals.
 */
export class Bootstrap {
  readonly #places: ReadonlyMap<string, number>;
  readonly #means: Float64Array;
  /** One row a resample, one column a series. */
  readonly #resampled: Float64Array[];

  /** `series` by name, all of one length: a value for each query. */
  constructor(series: ReadonlyMap<string, readonly number[]>, seed: number, resamples = 4000) {
    const columns = [...series.values()];
    const count = columns[0]!.length;
    this.#places = new Map([...series.keys()].map((name, place) => [name, place]));
    this.#means = Float64Array.from(columns, mean);
    const rng = new Rng(seed);
    this.#resampled = Array.from({ length: resamples }, () => {
      const sums = new Float64Array(columns.length);
      for (let draw = 0; draw < count; draw++) {
        const query = rng.below(count);
        for (let column = 0; column < columns.length; column++) sums[column]! += columns[column]![query]!;
      }
      return sums.map((sum) => sum / count);
    });
  }

  /** What `statistic` is of the sample's means, and between what it lies in 95 % of the resamples. */
  estimate(statistic: (meanOf: MeanOf) => number): Estimate {
    const over = (means: Float64Array) => statistic((series) => means[this.#places.get(series)!]!);
    const values = this.#resampled.map(over).sort((a, b) => a - b);
    return { value: over(this.#means), low: quantile(values, 0.025), high: quantile(values, 0.975) };
  }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Product-moment correlation; NaN when a list is constant. */
export function pearson(a: readonly number[], b: readonly number[]): number {
  const [centreA, centreB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const x = value - centreA;
    const y = b[i]! - centreB;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Rank correlation, ties sharing the mean of their ranks. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  return pearson(doubledRanks(a), doubledRanks(b));
}

/** Of sorted values, linear between neighbours. */
function quantile(sorted: readonly number[], at: number): number {
  const place = at * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return low + (place - below) * ((sorted[below + 1] ?? low) - low);
}
