import { toHex } from "@soma/base";
import {
  bitmapIndices,
  commitHash,
  type EncoderId,
  evaluatedSetDigest,
  type LedgerEvent,
  type SignedReveal,
  type TransactionKind,
} from "@soma/protocol";
import type { EncoderEffect } from "../effect.ts";
import { type Chosen, chosenOf, type EncoderJob, FRESH_ATTEMPT, withChosen } from "../job.ts";
import { requestEvaluation } from "./evaluate.ts";
import { mayReveal, reveal } from "./reveal.ts";
import { chain, entered, type JobView, seePost, type Turn, turned } from "./turn.ts";

type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>[K];

/** A job as its payment stands on the ledger (GAME-1). */
export function paidJob(
  id: string,
  payer: string,
  payment: Kind<"GenerateEmbeddings">,
  at: { readonly epoch: bigint; readonly commit: bigint },
): EncoderJob {
  return {
    ...FRESH_ATTEMPT,
    id,
    payer,
    sessionKey: toHex(payment.sessionKey),
    modality: payment.modality,
    items: payment.items,
    sizeBytes: payment.sizeBytes,
    dataCommitment: payment.dataCommitment,
    epoch: at.epoch,
    paidAt: at.commit,
    phase: "paid",
    attempt: 0,
    drawnAt: 0n,
  };
}

/** The ledger drew an attempt's shard; the draw itself follows when its commit's beacon is known. */
export function drawn(view: JobView, job: EncoderJob, attempt: number, commit: bigint): Turn {
  if (job.phase === "closed" || (job.drawnAt !== 0n && attempt <= job.attempt)) return turned(job);
  return turned({ ...entered(view, job), ...FRESH_ATTEMPT, phase: "drawn", attempt, drawnAt: commit });
}

/** GAME-4: the selection that stands; the chosen ones reveal against it. */
export function selected(
  view: JobView,
  job: EncoderJob,
  selection: Kind<"SelectCommits">,
  digest: string,
  commit: bigint,
): Turn {
  if (job.phase !== "drawn") return turned(job);
  const chosen = selection.commits.map(
    ({ commit: message }): Chosen => ({
      encoder: message.encoder,
      seats: job.shard.find((member) => member.encoder === message.encoder)?.seats ?? 0,
      commitHash: message.commitHash,
      revealed: null,
      mismatched: false,
      evaluated: false,
      vectors: null,
    }),
  );
  const next: EncoderJob = {
    ...entered(view, job),
    phase: "selected",
    selection: digest,
    selectedAt: commit,
    chosen,
  };
  const own = chosenOf(next, view.context.encoder);
  if (own === undefined) return turned(next);
  if (!mayReveal(view, next)) {
    // Somebody has this encoder's key, or its database was lost after it committed.
    return turned(next, { kind: "alarm", job: job.id, code: "COMMIT_FOREIGN" });
  }
  return turned(next, ...reveal(view, next), { kind: "note", job: job.id, milestone: "revealed" });
}

/** A reveal that the ledger took (GAME-5, GAME-6). */
export function revealed(view: JobView, job: EncoderJob, { reveal: message }: SignedReveal): EncoderJob {
  const entry = chosenOf(job, message.encoder);
  if (entry === undefined) return job;
  const hash = commitHash(view.context.chainId, message.encoder, job.id, message.embeddingDigest);
  const change =
    hash === entry.commitHash ? { revealed: message.embeddingDigest } : ({ mismatched: true } as const);
  return withChosen(job, message.encoder, change);
}

/** GAME-6: the evaluated set, from a bundle's reveals or, without one, from what the ledger holds. */
export function bundled(
  view: JobView,
  job: EncoderJob,
  bundle: readonly SignedReveal[] | null,
  digest: string,
  commit: bigint,
): Turn {
  if (job.phase !== "selected") return turned(job);
  const listed = bundle === null ? null : new Set(bundle.map(({ reveal: message }) => message.encoder));
  let next = job;
  for (const signed of bundle ?? []) next = revealed(view, next, signed);
  const isIn = (entry: Chosen) =>
    entry.revealed !== null && !entry.mismatched && (listed?.has(entry.encoder) ?? true);
  next = {
    ...entered(view, next),
    phase: "bundled",
    evaluatedSet: digest,
    bundledAt: commit,
    chosen: next.chosen.map((entry) => ({ ...entry, evaluated: isIn(entry) })),
  };
  const entries = next.chosen
    .filter((entry) => entry.evaluated)
    .map(({ encoder, revealed: embeddingDigest }) => ({ encoder, embeddingDigest: embeddingDigest! }))
    .sort((a, b) => (a.encoder < b.encoder ? -1 : 1));
  if (evaluatedSetDigest(view.context.chainId, { job: job.id, entries }) !== digest) {
    return turned(next, { kind: "alarm", job: job.id, code: "EVALUATED_SET" });
  }
  return requestEvaluation(view, next);
}

/** GAME-8: whose signatures a final proof counts. */
export function proved(view: JobView, job: EncoderJob, proof: Kind<"FinalProof">): EncoderJob {
  const indices = bitmapIndices(proof.signers, job.chosen.length);
  const signers = indices.ok ? indices.value.map((index) => job.chosen[index]!.encoder) : [];
  const answered = job.answered || signers.includes(view.context.encoder);
  const unanswered = job.chosen
    .filter((entry) => entry.evaluated && !signers.includes(entry.encoder))
    .map((entry) => entry.encoder);
  return seePost({ ...job, answered, unanswered }, view.head, "FinalProof");
}

/** The job has its outcome; late penalties may still need an answer (GAME-8). */
export function closed(
  view: JobView,
  job: EncoderJob,
  event: Extract<LedgerEvent, { $kind: "JobClosed" }>,
): Turn {
  const milestone = event.JobClosed.outcome.$kind === "Settled" ? "settled" : "closed";
  const note: EncoderEffect = { kind: "note", job: job.id, milestone };
  return turned({ ...entered(view, job), phase: "closed" }, ...(job.offer === null ? [] : [note]));
}

/** A transaction about a job that the ledger executed, but for the events that it caused. */
export function executed(view: JobView, job: EncoderJob, kind: TransactionKind): Turn {
  const { encoder } = view.context;
  const see = (signer: EncoderId, name: Parameters<typeof seePost>[2]) =>
    turned(signer === encoder ? seePost(job, view.head, name) : job);
  switch (kind.$kind) {
    case "PostOptOut":
      return see(kind.PostOptOut.optOut.optOut.encoder, "PostOptOut");
    case "PostCommit":
      return see(kind.PostCommit.commit.commit.encoder, "PostCommit");
    case "PostReveal": {
      const signer = kind.PostReveal.reveal.reveal.encoder;
      return chain(
        job,
        () => see(signer, "PostReveal"),
        (next) => turned(revealed(view, next, kind.PostReveal.reveal)),
      );
    }
    case "PostEvaluation": {
      const signer = kind.PostEvaluation.evaluation.message.encoder;
      const seen = see(signer, "PostEvaluation");
      if (signer === encoder) return turned({ ...seen.job, answered: true });
      return turned({ ...job, unanswered: job.unanswered.filter((other) => other !== signer) });
    }
    case "PostUnavailable":
      return see(kind.PostUnavailable.unavailable.unavailable.encoder, "PostUnavailable");
    case "FinalProof":
      return turned(proved(view, job, kind.FinalProof));
    default:
      return turned(job);
  }
}
