import { err, ok, type Result } from "@soma/base";
import { greater, lesser } from "./extremes.ts";
import { squaredDistance, squaredDistanceOfQuanta } from "./geometry.ts";

/** Keeps the density finite where points coincide (OUTLIER-1). */
const EPSILON = 1e-10;
/** Below this many points every factor is 1 (OUTLIER-1). */
const FEWEST_POINTS = 4;

/** A point: integer coordinates in the services, plain numbers in conformance. */
export type Point = ArrayLike<number>;

export interface OutlierFactors {
  /** Local outlier factor of each point. */
  readonly lof: number[];
  /** Local reachability density of each point. */
  readonly lrd: number[];
}

/** |p_i - p_j|^2 of n points as a row-major n x n matrix. */
export interface DistanceMatrix {
  readonly n: number;
  readonly squared: Float64Array;
}

/** k of OUTLIER-1: max(2, floor(n/3) + 1), at most n - 1. */
export function neighbourCount(n: number): number {
  return lesser(greater(2, (n - (n % 3)) / 3 + 1), n - 1);
}

/** Refusals: OUTLIER_EMPTY, OUTLIER_DIMENSION (points of different dimension), OUTLIER_NOT_FINITE. */
export function distanceMatrix(points: readonly Point[]): Result<DistanceMatrix> {
  const n = points.length;
  if (n === 0) return err("OUTLIER_EMPTY", "no points");
  const dimension = points[0]!.length;
  for (const point of points) {
    if (point.length !== dimension) return err("OUTLIER_DIMENSION", "points of different dimensions");
    if (point instanceof Int16Array) continue;
    for (let d = 0; d < dimension; d++) {
      if (!Number.isFinite(point[d])) return err("OUTLIER_NOT_FINITE", "a coordinate is not a finite number");
    }
  }
  const squared = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const distance = distanceOf(points[i]!, points[j]!);
      if (!Number.isFinite(distance)) return err("OUTLIER_NOT_FINITE", "a squared distance overflows");
      squared[i * n + j] = distance;
      squared[j * n + i] = distance;
    }
  }
  return ok({ n, squared });
}

function distanceOf(a: Point, b: Point): number {
  return a instanceof Int16Array && b instanceof Int16Array
    ? squaredDistanceOfQuanta(a, b)
    : squaredDistance(a, b);
}

/**
 * The local outlier factor of every point against the others, nothing merged: `outlierFactors` is the whole
 * of OUTLIER-1. Ties between neighbours go to the lower index. `k` defaults to `neighbourCount(n)`.
 *
 * In binary64, in this order, so that every implementation gets the same bits (ARITH-3):
 * 1. D(i,j): sum of squared coordinate differences, coordinates rising; exact for int16. d = sqrt(D).
 * 2. Neighbours N(i): the k other points by (D(i,j), j) rising. kd(i) = d(i, last of N(i)).
 * 3. reach(i,j) = the greater of kd(j) and d(i,j); s = their sum over N(i) in its order, from 0.
 * 4. lrd(i) = 1 / (s / k + 1e-10).
 * 5. LOF(i) = ((sum of lrd(j) over N(i) in its order, from 0) / k) / lrd(i); 1 if there are fewer than 4 points.
 *
 * Refusals: those of `distanceMatrix`; OUTLIER_NEIGHBOURS (k not an integer of 1..n-1).
 */
export function localOutlierFactor(points: readonly Point[], k?: number): Result<OutlierFactors> {
  const matrix = distanceMatrix(points);
  if (!matrix.ok) return matrix;
  const { n } = matrix.value;
  if (k !== undefined && !(Number.isInteger(k) && k >= 1 && k < n)) {
    return err("OUTLIER_NEIGHBOURS", `k = ${k} of ${n} points`);
  }
  return ok(factorsOf(matrix.value, k ?? neighbourCount(n)));
}

/** Steps 2 to 5 of `localOutlierFactor` on a distance matrix, 0 <= k < n. */
export function factorsOf({ n, squared }: DistanceMatrix, k: number): OutlierFactors {
  const neighbours: number[][] = [];
  const reachOf = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const others: number[] = [];
    for (let j = 0; j < n; j++) if (j !== i) others.push(j);
    others.sort((a, b) => squared[i * n + a]! - squared[i * n + b]! || a - b);
    const nearest = others.slice(0, k);
    neighbours.push(nearest);
    reachOf[i] = k === 0 ? 0 : Math.sqrt(squared[i * n + nearest[k - 1]!]!);
  }

  const lrd: number[] = [];
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (const j of neighbours[i]!) {
      sum += greater(reachOf[j]!, Math.sqrt(squared[i * n + j]!));
    }
    lrd.push(1 / ((k === 0 ? 0 : sum / k) + EPSILON));
  }

  const lof: number[] = [];
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (const j of neighbours[i]!) sum += lrd[j]!;
    lof.push(n < FEWEST_POINTS ? 1 : sum / k / lrd[i]!);
  }
  return { lof, lrd };
}
