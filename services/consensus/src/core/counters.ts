import type { Decision } from "./decision-rules.ts";

/** What a validator has lived through since its process began; for metrics, and for simulations that ask what they covered. */
export interface ConsensusCounters {
  directCommits: number;
  indirectCommits: number;
  directSkips: number;
  indirectSkips: number;
  certifiedCommits: number;
  equivocations: number;
  epochs: number;
  schedules: number;
  /** Own blocks that were not made until `restDelay` was over, since nobody waited for them. */
  rests: number;
  /** Own blocks whose rest was cut short. */
  wakes: number;
}

export function newCounters(): ConsensusCounters {
  return {
    directCommits: 0,
    indirectCommits: 0,
    directSkips: 0,
    indirectSkips: 0,
    certifiedCommits: 0,
    equivocations: 0,
    epochs: 0,
    schedules: 0,
    rests: 0,
    wakes: 0,
  };
}

export function countDecision(counters: ConsensusCounters, decision: Decision): void {
  if (decision.status === "commit") {
    if (decision.via === "direct") counters.directCommits += 1;
    else counters.indirectCommits += 1;
  } else if (decision.status === "skip") {
    if (decision.via === "direct") counters.directSkips += 1;
    else counters.indirectSkips += 1;
  }
}
