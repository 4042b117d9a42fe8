import { compareHex, err, isHex, ok, type Result, roundHalfEven } from "@soma/base";
import { lesser } from "./extremes.ts";
import {
  type DistanceMatrix,
  distanceMatrix,
  factorsOf,
  neighbourCount,
  type Point,
} from "./local-outlier-factor.ts";

/** Points nearer than the median pairwise distance over 1000 are one point: 1000^2 on squares. */
const MERGE_RATIO_SQUARED = 1_000_000;
/** Micro-units of a factor: decisions compare round(LOF * 10^6). */
export const MICRO = 1_000_000;
/** A factor above this disqualifies (OUTLIER-1). */
export const OUTLIER_LIMIT_MICRO = 1_500_000;

export interface MergedFactors {
  /** Factor and density by input position; merged points share their group's. */
  readonly lof: number[];
  readonly lrd: number[];
  /** Input positions of each merged point, rising; groups in order of their lowest position. */
  readonly groups: number[][];
}

export interface OutlierReport extends MergedFactors {
  /** round(LOF * 10^6), halves to even. */
  readonly micro: number[];
  readonly disqualified: boolean[];
}

export interface OutlierOptions {
  /** Ids that are one point whatever they revealed: the seats behind one proxy (GAME-10). */
  readonly together?: readonly (readonly string[])[];
  /** For ties at the last disqualification: lower first (ARITH-6); by position of `ids`. Without: by id. */
  readonly lots?: readonly string[];
}

/**
 * OUTLIER-1 without the verdict: merging, then local outlier factors of the merged points, each standing at
 * its lowest member. `k` defaults to the rule's for the number of merged points and is cut to that number
 * less one. `together` lists positions that are merged in any case.
 *
 * Merging: i and j join if D(i,j) = 0 or D(i,j) * 10^6 < M, in binary64, D the squared distance and M the
 * lower median of D over all pairs; joins are transitive.
 *
 * Refusals: OUTLIER_EMPTY, OUTLIER_DIMENSION, OUTLIER_NOT_FINITE, OUTLIER_NEIGHBOURS (k not an integer >= 1).
 */
export function outlierFactors(
  points: readonly Point[],
  k?: number,
  together: readonly (readonly number[])[] = [],
): Result<MergedFactors> {
  if (k !== undefined && !(Number.isInteger(k) && k >= 1)) return err("OUTLIER_NEIGHBOURS", `k = ${k}`);
  const matrix = distanceMatrix(points);
  if (!matrix.ok) return matrix;
  const groups = mergeGroups(matrix.value, together);
  const merged = pick(
    matrix.value,
    groups.map((group) => group[0]!),
  );
  let neighbours = neighbourCount(merged.n);
  if (k !== undefined) neighbours = lesser(k, merged.n - 1);
  const factors = factorsOf(merged, neighbours);
  const lof = new Array<number>(points.length).fill(1);
  const lrd = new Array<number>(points.length).fill(0);
  groups.forEach((group, g) => {
    for (const i of group) {
      lof[i] = factors.lof[g]!;
      lrd[i] = factors.lrd[g]!;
    }
  });
  return ok({ lof, lrd, groups });
}

/**
 * OUTLIER-1 for encoders: factors as `outlierFactors` over the points in rising order of id, then the
 * verdict. Merged points with round(LOF * 10^6) > 1 500 000 are disqualified with all their members, the
 * worst first, at most floor(n/3) of the n merged points. Answers stand at the positions of the input, and
 * do not depend on its order.
 *
 * Refusals: those of `outlierFactors`; OUTLIER_ID (not lower-case hex, twice, or another count than points).
 */
export function outliers(
  points: readonly Point[],
  ids: readonly string[],
  options: OutlierOptions = {},
): Result<OutlierReport> {
  const { together = [], lots = ids } = options;
  if (ids.length !== points.length || lots.length !== ids.length || new Set(ids).size !== ids.length) {
    return err("OUTLIER_ID", "one distinct id and lot for each point");
  }
  if (!ids.every((id) => isHex(id))) return err("OUTLIER_ID", "an id is not lower-case hex");
  const order = ids.map((_, i) => i).sort((i, j) => compareHex(ids[i]!, ids[j]!));
  const rankOf = new Map(order.map((i, rank) => [ids[i]!, rank]));
  const forced = together.map((members) => members.flatMap((id) => rankOf.get(id) ?? []));
  const sorted = outlierFactors(
    order.map((i) => points[i]!),
    undefined,
    forced,
  );
  if (!sorted.ok) return sorted;

  const micro = sorted.value.lof.map((lof) => roundHalfEven(lof * MICRO));
  const lot = (group: readonly number[]) => lots[order[group[0]!]!]!;
  const { groups } = sorted.value;
  const worst = groups
    .filter((group) => micro[group[0]!]! > OUTLIER_LIMIT_MICRO)
    .sort((a, b) => micro[b[0]!]! - micro[a[0]!]! || compareHex(lot(a), lot(b)))
    .slice(0, (groups.length - (groups.length % 3)) / 3);
  const out = new Set(worst.flat());

  const position = (values: readonly number[]) => {
    const back = new Array<number>(values.length).fill(0);
    values.forEach((value, rank) => {
      back[order[rank]!] = value;
    });
    return back;
  };
  return ok({
    lof: position(sorted.value.lof),
    lrd: position(sorted.value.lrd),
    micro: position(micro),
    groups: groups.map((group) => group.map((rank) => order[rank]!)),
    disqualified: position(micro.map((_, rank) => Number(out.has(rank)))).map((flag) => flag === 1),
  });
}

function mergeGroups({ n, squared }: DistanceMatrix, together: readonly (readonly number[])[]): number[][] {
  const root = Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    let at = i;
    while (root[at] !== at) at = root[at]!;
    return at;
  };
  const join = (i: number, j: number) => {
    const a = find(i);
    const b = find(j);
    // The lower position stays the root, so that a group stands at its lowest member.
    if (a < b) root[b] = a;
    else root[a] = b;
  };
  const median = lowerMedian({ n, squared });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squared[i * n + j]!;
      if (distance === 0 || distance * MERGE_RATIO_SQUARED < median) join(i, j);
    }
  }
  for (const members of together) for (const member of members.slice(1)) join(members[0]!, member);

  const groups = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const at = find(i);
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [i]);
    else group.push(i);
  }
  return [...groups.values()];
}

/** The lower of the two middle squared distances if the number of pairs is even; 0 for a single point. */
function lowerMedian({ n, squared }: DistanceMatrix): number {
  const pairs: number[] = [];
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) pairs.push(squared[i * n + j]!);
  pairs.sort((a, b) => a - b);
  const last = pairs.length - 1;
  return pairs[(last - (last % 2)) / 2] ?? 0;
}

/** The rows and columns of `indices`. */
function pick({ n, squared }: DistanceMatrix, indices: readonly number[]): DistanceMatrix {
  const out = new Float64Array(indices.length * indices.length);
  indices.forEach((i, a) => {
    indices.forEach((j, b) => {
      out[a * indices.length + b] = squared[i * n + j]!;
    });
  });
  return { n: indices.length, squared: out };
}
