export interface SearchSituation {
  /** Rows that may be hits. */
  readonly size: number;
  /** Rows that the index covers, from the first on. */
  readonly indexed: number;
  /** At most so many rows match the filter; `size` without one. */
  readonly matching: number;
  /** Hits that the list has had before, and that are asked for now. */
  readonly seen: number;
  readonly limit: number;
  /** Whether the index compares what is asked for: all dimensions. */
  readonly wholeVectors: boolean;
  readonly exact: boolean;
}

/** Candidates that the index is asked for: at least, and for each hit. */
const LEAST = 128;
const PER_HIT = 4;
/** Beyond so many hits a scan of everything is the better way. */
const DEEPEST = 250;
/** A graph finds little when fewer than one row in this many may be found. */
const SPARSE = 8;

/** How many candidates of each segment the index proposes, or 0 when every row is to be looked at. */
export function candidatesFor(situation: SearchSituation): number {
  const { size, indexed, matching, seen, limit, wholeVectors, exact } = situation;
  if (exact || !wholeVectors || indexed === 0) return 0;
  if (seen + limit > DEEPEST || matching * SPARSE < size) return 0;
  return Math.max(LEAST, PER_HIT * (seen + limit));
}
