import { err, type Result } from "@soma/base";
import type { Address, JobId, TransactionKind } from "@soma/protocol";
import type { GameContext, GameStep } from "./context.ts";
import { finalProof, postEvaluation, postUnavailable } from "./evaluate.ts";
import type { Job } from "./job.ts";
import { postCommit, postOptOut, postReceipt } from "./posted.ts";
import { postBundle, postReveal } from "./reveal.ts";
import { selectCommits } from "./select.ts";

/** The job that a transaction is about; undefined for kinds that are about none. */
export function jobOf(kind: TransactionKind): JobId | undefined {
  switch (kind.$kind) {
    case "SelectCommits":
      return kind.SelectCommits.job;
    case "PostCommit":
      return kind.PostCommit.commit.commit.job;
    case "PostOptOut":
      return kind.PostOptOut.optOut.optOut.job;
    case "PostReceipt":
      return kind.PostReceipt.receipt.receipt.job;
    case "PostBundle":
      return kind.PostBundle.job;
    case "PostReveal":
      return kind.PostReveal.reveal.reveal.job;
    case "PostEvaluation":
      return kind.PostEvaluation.evaluation.message.job;
    case "PostUnavailable":
      return kind.PostUnavailable.unavailable.unavailable.job;
    case "FinalProof":
      return kind.FinalProof.result.job;
    default:
      return undefined;
  }
}

/**
 * One transaction about `job`, brought by `sender`: anybody may bring any of them, since each carries the
 * signatures that it needs. A refusal changes nothing.
 */
export function applyToJob(
  context: GameContext,
  job: Job,
  kind: TransactionKind,
  sender: Address,
): Result<GameStep> {
  switch (kind.$kind) {
    case "SelectCommits":
      return selectCommits(context, job, kind.SelectCommits, sender);
    case "PostCommit":
      return postCommit(context, job, kind.PostCommit, sender);
    case "PostOptOut":
      return postOptOut(context, job, kind.PostOptOut, sender);
    case "PostReceipt":
      return postReceipt(context, job, kind.PostReceipt, sender);
    case "PostBundle":
      return postBundle(context, job, kind.PostBundle, sender);
    case "PostReveal":
      return postReveal(context, job, kind.PostReveal, sender);
    case "PostEvaluation":
      return postEvaluation(context, job, kind.PostEvaluation);
    case "PostUnavailable":
      return postUnavailable(context, job, kind.PostUnavailable);
    case "FinalProof":
      return finalProof(context, job, kind.FinalProof);
    default:
      return err("JOB_KIND", "this transaction is about no job");
  }
}
