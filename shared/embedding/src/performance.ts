import { compareHex, err, isHex, ok, type Result } from "@soma/base";
import { tieLot } from "./composite.ts";
import { greater } from "./extremes.ts";

/** Jobs an encoder needs in an epoch to be judged (SCORE-2). */
export const PERFORMANCE_JOBS = 20;
/** Encoders that must be judged for anyone to be slashed. */
const FEWEST_ENCODERS = 4;

/** An encoder's epoch. */
export interface PerformanceRecord {
  readonly id: string;
  readonly jobs: number;
  /** Sum over its jobs of `percentilePpm` of `composite`. */
  readonly percentileSumPpm: bigint;
}

export interface PerformanceInput {
  readonly chainId: string;
  readonly epochSeed: Uint8Array;
  readonly records: readonly PerformanceRecord[];
  readonly minimumJobs?: number;
}

/**
 * The ids that SCORE-2 slashes, worst first: of the n >= 4 encoders with enough jobs, the max(1, floor(n/10))
 * of highest mean composite percentile that lie strictly above the median of the means (the mean of the two
 * middle ones if n is even). All comparisons are exact; ties at the last place go to the lower
 * H("soma.lot", chain, epoch seed, id).
 *
 * Refusals: SCORE_RECORD (an id that is not hex or stands twice, a count or sum that is no natural number).
 */
export function performanceSlashing(input: PerformanceInput): Result<string[]> {
  const { chainId, epochSeed, records, minimumJobs = PERFORMANCE_JOBS } = input;
  if (new Set(records.map((r) => r.id)).size !== records.length)
    return err("SCORE_RECORD", "an id stands twice");
  for (const { id, jobs, percentileSumPpm } of records) {
    if (!isHex(id) || !Number.isSafeInteger(jobs) || jobs < 0 || percentileSumPpm < 0n) {
      return err("SCORE_RECORD", `record of ${id}`);
    }
  }
  const judged = records
    .filter((r) => r.jobs >= minimumJobs && r.jobs > 0)
    .map(({ id, jobs, percentileSumPpm }) => ({
      id,
      num: percentileSumPpm,
      den: BigInt(jobs),
      lot: tieLot(chainId, epochSeed, id),
    }));
  const n = judged.length;
  if (n < FEWEST_ENCODERS) return ok([]);
  judged.sort((a, b) => {
    const difference = b.num * a.den - a.num * b.den;
    return difference < 0n ? -1 : difference > 0n ? 1 : compareHex(a.lot, b.lot);
  });
  // Both middle means, equal if n is odd: x > (p + q)/2 as 2 x > p + q over common denominators.
  const p = judged[(n - 1 - ((n - 1) % 2)) / 2]!;
  const q = judged[(n - (n % 2)) / 2]!;
  const tenth = greater(1, (n - (n % 10)) / 10);
  return ok(
    judged
      .slice(0, tenth)
      .filter((x) => 2n * x.num * p.den * q.den > x.den * (p.num * q.den + q.num * p.den))
      .map((x) => x.id),
  );
}
