import type { Address, JobId } from "@soma/protocol";
import type { ExecutedCommit } from "./execute.ts";
import type { Job, Phase } from "./game/job.ts";
import { jobs } from "./records.ts";

/** A stage that a job reached in a commit. */
export interface JobStage {
  readonly job: JobId;
  readonly payer: Address;
  readonly state: Phase;
  readonly attempt: number;
  /** As the job states it; null unless the stage is its end. */
  readonly outcome: string | null;
}

/** Jobs as a commit left them, and the stages that they passed in it, in the order of execution. */
export function jobHistory(done: ExecutedCommit): { readonly jobs: Job[]; readonly stages: JobStage[] } {
  const touched = new Map<JobId, Job>();
  for (const { key, value } of done.changes) {
    if (value === null || !key.startsWith(`${jobs.name}/`)) continue;
    const job = jobs.decode(value);
    touched.set(job.id, job);
  }
  for (const job of done.over) touched.set(job.id, job);
  const stages: JobStage[] = [];
  for (const event of done.events) {
    const reached = stageOf(event);
    const job = reached === undefined ? undefined : touched.get(reached.job);
    if (reached === undefined || job === undefined) continue;
    const outcome = reached.state === "closed" ? job.outcome : null;
    stages.push({
      job: job.id,
      payer: job.payer,
      state: reached.state,
      attempt: reached.attempt ?? job.attempt,
      outcome,
    });
  }
  return { jobs: [...touched.values()], stages };
}

function stageOf(
  event: ExecutedCommit["events"][number],
): { job: JobId; state: Phase; attempt?: number } | undefined {
  if ("JobPaid" in event) return { job: event.JobPaid.job, state: "paid" };
  if ("ShardDrawn" in event)
    return { job: event.ShardDrawn.job, state: "drawn", attempt: event.ShardDrawn.attempt };
  if ("JobSelected" in event) return { job: event.JobSelected.job, state: "selected" };
  if ("JobBundled" in event) return { job: event.JobBundled.job, state: "bundled" };
  if ("JobClosed" in event) return { job: event.JobClosed.job, state: "closed" };
  return undefined;
}
