import { err, type Result } from "@soma/base";
import { commitHash, type Digest, type Hex32 } from "@soma/protocol";
import { isNear, selectDeadline, signMessage } from "../context.ts";
import type { EncoderJob } from "../job.ts";
import { entered, type JobView, post, sendTo, type Turn, taken, turned } from "./turn.ts";

/**
 * GAME-3: commits to the vectors, once an attempt. A second result for the attempt changes nothing, whatever it
 * says; neither does one after an opt-out. Refusal: INFERENCE_STALE.
 */
export function commitTo(
  view: JobView,
  job: EncoderJob,
  embedded: {
    readonly attempt: number;
    readonly vectors: Hex32;
    readonly embeddingDigest: Digest;
    readonly masksOfItem: readonly number[];
    readonly at: number;
  },
): Result<Turn> {
  const { context } = view;
  const expected = job.phase === "drawn" && job.stage === "embedding" && job.attempt === embedded.attempt;
  if (!expected || job.offer === null || job.own !== null || job.optOut !== null) {
    return err("INFERENCE_STALE", "not what was asked for");
  }
  if (embedded.masksOfItem.length !== job.items) return err("INFERENCE_STALE", "of another number of items");
  const header = { job: job.id, attempt: job.attempt, encoder: context.encoder };
  const elapsedMs = Math.min(0xffffffff, Math.max(0, Math.floor(embedded.at) - Number(job.offer.receivedAt)));
  const hash = commitHash(context.chainId, context.encoder, job.id, embedded.embeddingDigest);
  const commit = { ...header, commitHash: hash, elapsedMs };
  const reveal = { ...header, embeddingDigest: embedded.embeddingDigest };
  const committed: EncoderJob = {
    ...entered(view, job),
    stage: "committed",
    fault: null,
    own: {
      vectors: embedded.vectors,
      masksOfItem: [...embedded.masksOfItem],
      commit: { commit, signature: signMessage(context, "commit", commit) },
      reveal: { reveal, signature: signMessage(context, "reveal", reveal) },
    },
  };
  return taken(
    committed,
    { kind: "keep-vectors", job: job.id, vectors: embedded.vectors },
    ...sendTo(committed, { Commit: committed.own!.commit }),
    { kind: "note", job: job.id, milestone: "committed" },
  );
}

/** GAME-9: no selection, and the attempt is about to end: the commit goes onto the ledger for a share. */
export function postCommitWhenAlone(view: JobView, job: EncoderJob): Turn {
  if (job.phase !== "drawn" || job.own === null || job.offer === null) return turned(job);
  const { selectTimeout } = view.context.parameters;
  if (!isNear(view.head, selectDeadline(view.context, job), selectTimeout)) return turned(job);
  return post(job, view.head, "PostCommit", {
    PostCommit: {
      commit: job.own.commit,
      dataHash: job.offer.dataHash,
      offerSignature: job.offer.sessionSignature,
    },
  });
}
