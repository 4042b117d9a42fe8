import { closeShared, closeUnserved, closeWithoutResult, forgotten } from "./close.ts";
import type { GameContext, GameEffect, GameStep } from "./context.ts";
import { drawForJob } from "./draw.ts";
import { closeByMajority } from "./evaluate.ts";
import type { Job } from "./job.ts";
import { penalise } from "./penalties.ts";
import { postedSeats } from "./posted.ts";
import { fixEvaluatedSet, holdsTwoThirds, isEvaluable } from "./reveal.ts";

/**
 * GAME-9: what the passing of `context.commit` does to a job. Runs after the commit's transactions, so that what
 * came in the last commit still counts. A job that nothing is due for is left as it is.
 */
export function reachDeadline(context: GameContext, job: Job): GameStep {
  let current = job;
  const effects: GameEffect[] = [];
  const take = (step: GameStep) => {
    current = step.job;
    effects.push(...step.effects);
  };
  const { commit } = context;
  if (current.phase === "paid" && commit >= current.deadline) take(drawForJob(context, current));
  else if (current.phase === "drawn" && commit >= current.deadline) take(selectionDue(context, current));
  if (current.revealDeadline === commit && commit > 0n) take(revealsDue(context, current));
  if (current.proofDeadline === commit && commit > 0n) take(proofDue(context, current));
  if (isOver(current, commit) && job.phase !== "paid" && job.phase !== "drawn") {
    take(forgotten({ job: current, effects: [] }));
  }
  return { job: current, effects };
}

/** Closed, with no late penalty to come. */
function isOver(job: Job, commit: bigint): boolean {
  return job.phase === "closed" && commit >= job.revealDeadline && commit >= job.proofDeadline;
}

function selectionDue(context: GameContext, job: Job): GameStep {
  if (postedSeats(job) >= job.quorum) return closeShared(context, job);
  const attempt = job.attempt + 1;
  if (attempt >= context.parameters.shardAttempts) return closeUnserved(context, job, "attempts-exhausted");
  return drawForJob(context, { ...job, attempt });
}

/**
 * The end of the reveals, even of a job whose proof came earlier: who was chosen and neither stands in the bundle
 * nor posted its reveal is slashed. Without a bundle, what is on the ledger is the set (GAME-6).
 */
function revealsDue(context: GameContext, job: Job): GameStep {
  let next = job;
  const effects: GameEffect[] = [];
  for (const entry of job.chosen) {
    if (entry.revealed !== null || entry.mismatched) continue;
    const slash = penalise(context, next, entry.encoder, "reveal", null);
    next = slash.job;
    effects.push(...slash.effects);
  }
  if (next.phase !== "selected") return { job: next, effects };
  const inSet = next.chosen.filter(isEvaluable);
  const fixed = holdsTwoThirds(inSet, next)
    ? fixEvaluatedSet(context, next, inSet)
    : closeWithoutResult(next, "reveals-short");
  return { job: fixed.job, effects: [...effects, ...fixed.effects] };
}

/** The end of the evaluation: a result if there is none yet, and a slash for each of the set that never answered. */
function proofDue(context: GameContext, job: Job): GameStep {
  const closed = job.phase === "bundled" ? closeByMajority(context, job) : { job, effects: [] };
  let next = closed.job;
  const effects = [...closed.effects];
  for (const entry of next.chosen) {
    if (!entry.evaluated || entry.answered) continue;
    const slash = penalise(context, next, entry.encoder, "no-signature", null);
    next = slash.job;
    effects.push(...slash.effects);
  }
  return { job: next, effects };
}
