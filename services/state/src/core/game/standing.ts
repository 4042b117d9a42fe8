import { doubledRanks, midRankPercentile } from "@soma/embedding";
import type { Amount, EncoderId, EvaluationResult } from "@soma/protocol";
import type { GameEffect } from "./context.ts";
import type { Job } from "./job.ts";
import { seatsPart } from "./penalties.ts";

/** How an encoder came out of one proven job. */
export interface JobStanding {
  readonly encoder: EncoderId;
  /** Mid-rank percentile of its composite among the chosen, parts per million; the best is lowest. */
  readonly percentilePpm: number;
  /** The part of the fee that falls to its seats: what the job can cost it (ADR 0001). */
  readonly cap: Amount;
}

/**
 * SCORE-2: where each chosen encoder stands by a proven result. The silent share the last places, as SCORE-1 says. Nothing
 * if one encoder was chosen alone: it stands nowhere.
 */
export function standingsOf(job: Job, result: EvaluationResult): GameEffect[] {
  const { chosen } = job;
  if (chosen.length < 2) return [];
  const composites = new Map(result.scores.map(({ encoder, composite }) => [encoder, composite]));
  const ranks = doubledRanks(
    chosen.map(({ encoder }) => composites.get(encoder) ?? 0n),
    chosen.map(({ encoder }) => !composites.has(encoder)),
  );
  const standings = chosen.map(({ encoder }, at) => ({
    encoder,
    percentilePpm: midRankPercentile(ranks[at]!, chosen.length),
    cap: seatsPart(job, encoder),
  }));
  return [{ kind: "standings", standings }];
}
