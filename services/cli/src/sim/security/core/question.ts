import { type Rational, rational } from "@soma/sampling";

/** What a run of the studies is about. */
export interface SecurityQuestion {
  /** Share of the stake that is dishonest, in (0, 1/2). */
  readonly dishonest: Rational;
  /** Probability that a draw may have of a dishonest quorum, in (0, 1). */
  readonly budget: Rational;
  /** Jobs a second, for the times between events. */
  readonly jobsPerSecond: number;
  /** Encoders in the simulated network. */
  readonly encoders: number;
  /** Simulated draws of each case. */
  readonly draws: number;
  readonly seed: number;
}

/** The two ends of what the text allows, 80 to 90 % (SHARD-1). */
export const QUORUMS: readonly Rational[] = [rational(8n, 10n), rational(9n, 10n)];

/** Networks of SHARD-2's table. */
export const NETWORKS: readonly number[] = [20, 50, 100, 1000, 10_000];

export const STUDIES = ["sizes", "budgets", "capture", "draws", "stalls", "poisson"] as const;
export type Study = (typeof STUDIES)[number];
