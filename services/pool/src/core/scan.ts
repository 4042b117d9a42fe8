import { type CosineKey, compareCosine, dot, squaredNorm } from "@soma/embedding";
import type { RowFilter, VectorTable } from "./vector-table.ts";

export interface ScanQuery {
  /** Of the table's dimension, or of the leading dimensions if `leading` is set. */
  readonly vector: Int16Array;
  /** Whether to compare the leading dimensions instead of all. */
  readonly leading: boolean;
  readonly filter: RowFilter | null;
  /** Rows `from` up to `to` are all looked at ... */
  readonly from: number;
  readonly to: number;
  /** ... and these before them, each below `to`; others than below `from` are passed over. */
  readonly candidates: Uint32Array;
  /** Only rows that come after this one in the order of the hits. */
  readonly after: number | null;
  /** Rows that are no hits. */
  readonly except: readonly number[];
  readonly limit: number;
}

/** A row with what the query sees of it. */
export interface Ranked {
  readonly row: number;
  /** <query, v>, exact. */
  readonly dot: number;
  /** |v|^2 of the dimensions compared, exact. */
  readonly squaredNorm: number;
}

/** Doubles agree with the exact cosine to far less than this. */
const MARGIN = 1e-9;

/**
 * POOL-1: the `limit` rows with the highest cosine to the query, decided in integers, ties by the earlier row. Zero
 * vectors have no direction and are never found.
 */
export function scan(table: VectorTable, query: ScanQuery): Ranked[] {
  const { vector, filter, limit } = query;
  const length = Math.sqrt(squaredNorm(vector));
  if (length === 0 || limit === 0) return [];
  const last = query.after === null ? null : { row: query.after, ...keyOf(table, query, query.after) };
  const except = new Set(query.except);
  const best: Ranked[] = [];
  // The cosine of the last of a full list, times |query|; what is clearly below it is out without more ado.
  let bar = Number.NEGATIVE_INFINITY;

  const look = (row: number): void => {
    if (filter !== null && !table.matches(row, filter)) return;
    const key = keyOf(table, query, row);
    if (key.squaredNorm === 0) return;
    if (key.dot / Math.sqrt(key.squaredNorm) < bar) return;
    const found: Ranked = { row, ...key };
    if (except.has(row) || (last !== null && order(found, last) <= 0)) return;
    if (best.length === limit && order(found, best[limit - 1]!) >= 0) return;
    let [low, high] = [0, best.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(found, best[middle]!) < 0) high = middle;
      else low = middle + 1;
    }
    best.splice(low, 0, found);
    if (best.length > limit) best.pop();
    if (best.length === limit) {
      const worst = best[limit - 1]!;
      bar = worst.dot / Math.sqrt(worst.squaredNorm) - MARGIN * length;
    }
  };
  for (const row of query.candidates) if (row < query.from) look(row);
  for (let row = query.from; row < query.to; row++) look(row);
  return best;
}

function order(a: Ranked, b: Ranked): number {
  return compareCosine(a, b) || a.row - b.row;
}

function keyOf(table: VectorTable, { vector, leading }: ScanQuery, row: number): CosineKey {
  if (!leading) {
    const norm = table.norm(row);
    return { dot: norm === 0 ? 0 : dot(vector, table.vector(row)), squaredNorm: norm };
  }
  const seen = table.leading(row, vector.length);
  return { dot: dot(vector, seen), squaredNorm: squaredNorm(seen) };
}
