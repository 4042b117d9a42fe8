import { maxBig } from "@soma/base";
import type { Amount, EncoderId, Parameters } from "@soma/protocol";
import type { JobStanding } from "./game/standing.ts";
import { encoders, performances } from "./records.ts";
import { highest, type Ranking } from "./seats.ts";
import { slashStake } from "./stake.ts";
import type { KeyedStore } from "./store.ts";

/** Fewer say nothing about who is worst. */
const LEAST_ENCODERS = 4;

/** Adds what a proven job says of its encoders to their epoch. */
export function recordStandings(store: KeyedStore, standings: readonly JobStanding[]): void {
  for (const { encoder, percentilePpm, cap } of standings) {
    const before = performances.get(store, encoder) ?? { jobs: 0n, percentiles: 0n, cap: 0n };
    performances.put(
      store,
      {
        jobs: before.jobs + 1n,
        percentiles: before.percentiles + BigInt(percentilePpm),
        cap: before.cap + cap,
      },
      encoder,
    );
  }
}

interface Performer {
  readonly encoder: EncoderId;
  /** floor of the mean percentile, parts per million. */
  readonly mean: bigint;
  readonly cap: Amount;
}

/**
 * SCORE-2: of the encoders with enough proven jobs in the epoch, the worst tenth, but one at least, of those strictly
 * above the median. Nobody if there are fewer than four.
 */
function worst(performers: readonly Performer[], ranking: Ranking): Performer[] {
  if (performers.length < LEAST_ENCODERS) return [];
  const means = performers.map(({ mean }) => mean).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const doubledMedian = means[(means.length - 1) >> 1]! + means[means.length >> 1]!;
  const count = Math.max(1, Math.floor(performers.length / 10));
  const above = performers.filter(({ mean }) => 2n * mean > doubledMedian);
  return highest(above, { measureOf: ({ mean }) => mean, idOf: ({ encoder }) => encoder }, count, ranking);
}

/**
 * ECON-8: slashes the epoch's worst performers, and forgets the epoch. Others' evaluations decide it, and a submitter the
 * order of arrival, so that it costs at most what the jobs paid for the encoder's seats (ADR 0001).
 */
export function slashPerformance(
  store: KeyedStore,
  parameters: Parameters,
  epoch: bigint,
  ranking: Ranking,
): void {
  const rows = performances.rows(store);
  const performers: Performer[] = [];
  for (const { parts, value } of rows) {
    const encoder = parts[0]!;
    performances.delete(store, encoder);
    if (value.jobs < BigInt(parameters.performanceMinJobs) || encoders.get(store, encoder) === undefined)
      continue;
    performers.push({ encoder, mean: value.percentiles / maxBig(1n, value.jobs), cap: value.cap });
  }
  for (const { encoder, cap } of worst(performers, ranking)) {
    const bps = parameters.slashPerformanceBps;
    slashStake(store, parameters, { role: "encoder", operator: encoder, bps, cap, epoch, bringer: null });
  }
}
