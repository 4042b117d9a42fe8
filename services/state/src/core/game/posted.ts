import { err, type Result } from "@soma/base";
import { type Address, dataCommitment, type TransactionKind } from "@soma/protocol";
import { closeBadData } from "./close.ts";
import {
  type GameContext,
  type GameEffect,
  type GameStep,
  signedByEncoder,
  signedBySession,
  stepped,
} from "./context.ts";
import { chosenOf, type Job, seatsOf, shardSeatsOf } from "./job.ts";
import { penalise } from "./penalties.ts";
import { checkCommit } from "./select.ts";

type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>;

/**
 * GAME-9: a commit on the ledger, with the submitter's signed offer as proof that it asked. Quorum seats end the
 * attempt by sharing, but not before the submitter had time to select what was posted (ADR 0005). A commit posted
 * before the selection also shows that its encoder was in time. Refusals: JOB_PHASE, JOB_DATA_HASH,
 * OFFER_SIGNATURE, COMMIT_DUPLICATE, and those of `checkCommit`.
 */
export function postCommit(
  context: GameContext,
  job: Job,
  post: Kind<"PostCommit">["PostCommit"],
  sender: Address,
): Result<GameStep> {
  if (job.phase !== "drawn") return err("JOB_PHASE", `a commit does not fit a job that is ${job.phase}`);
  if (dataCommitment(context.chainId, post.dataHash, job.payer) !== job.dataCommitment) {
    return err("JOB_DATA_HASH", "the data hash is not the one that was paid for");
  }
  const offer = { job: job.id, attempt: job.attempt, dataHash: post.dataHash };
  if (!signedBySession(context, job, "offer", offer, post.offerSignature)) {
    return err("OFFER_SIGNATURE", "the session key did not sign this offer");
  }
  const entry = checkCommit(context, job, post.commit);
  if (!entry.ok) return entry;
  const { encoder, commitHash } = entry.value;
  if (job.posted.some((other) => other.encoder === encoder)) {
    return err("COMMIT_DUPLICATE", "the encoder's commit is posted already");
  }
  const before = postedSeats(job);
  const posted: Job = { ...job, posted: [...job.posted, { encoder, commitHash }] };
  const effects: GameEffect[] = [];
  const grace = context.commit + BigInt(Math.ceil(context.parameters.selectTimeout / 4));
  let next = posted;
  if (before < job.quorum && postedSeats(posted) >= job.quorum && grace > job.deadline) {
    next = { ...posted, deadline: grace };
    effects.push({ kind: "wake", commit: grace });
  }
  if (job.optOuts.some((optOut) => optOut.encoder === encoder)) {
    const slash = penalise(context, next, encoder, "opt-out-commit", sender);
    next = slash.job;
    effects.push(...slash.effects);
  }
  return stepped(next, ...effects);
}

export function postedSeats(job: Job): number {
  return seatsOf(job.shard.filter((member) => job.posted.some((post) => post.encoder === member.encoder)));
}

/**
 * GAME-2: excuses a seat holder from the selection if it is on the ledger before it; beside a commit of the same
 * attempt it is evidence of GAME-4's heavy slash at any time. Refusals: OPT_OUT_JOB, OPT_OUT_STRANGER,
 * OPT_OUT_SIGNATURE, OPT_OUT_DUPLICATE, OPT_OUT_LATE.
 */
export function postOptOut(
  context: GameContext,
  job: Job,
  post: Kind<"PostOptOut">["PostOptOut"],
  sender: Address,
): Result<GameStep> {
  const { optOut, signature } = post.optOut;
  if (optOut.job !== job.id || optOut.attempt !== job.attempt) {
    return err("OPT_OUT_JOB", "an opt-out of another job or attempt");
  }
  if (shardSeatsOf(job, optOut.encoder) === 0) return err("OPT_OUT_STRANGER", "the encoder holds no seat");
  if (!signedByEncoder(context, optOut.encoder, "optOut", optOut, signature)) {
    return err("OPT_OUT_SIGNATURE", "the encoder did not sign this opt-out");
  }
  if (job.optOuts.some((other) => other.encoder === optOut.encoder)) {
    return err("OPT_OUT_DUPLICATE", "the encoder has opted out already");
  }
  const committed =
    chosenOf(job, optOut.encoder) !== undefined ||
    job.posted.some((other) => other.encoder === optOut.encoder);
  if (job.phase !== "drawn" && !committed) return err("OPT_OUT_LATE", "the selection stands already");
  const badData = optOut.reason.$kind !== "Unavailable";
  const next: Job = { ...job, optOuts: [...job.optOuts, { encoder: optOut.encoder, badData }] };
  if (committed) {
    const slash = penalise(context, next, optOut.encoder, "opt-out-commit", sender);
    return stepped(slash.job, ...slash.effects);
  }
  const refusing = next.shard.filter((member) =>
    next.optOuts.some((other) => other.encoder === member.encoder && other.badData),
  );
  if (seatsOf(refusing) >= next.quorum) return { ok: true, value: closeBadData(context, next) };
  return stepped(next);
}

/**
 * GAME-4's evidence: a seat holder signed a receipt, did not opt out on the ledger, is not chosen, and had no
 * commit on the ledger before the selection. Refusals: JOB_PHASE, RECEIPT_JOB, RECEIPT_STRANGER,
 * RECEIPT_SIGNATURE, RECEIPT_EXCUSED, RECEIPT_DUPLICATE.
 */
export function postReceipt(
  context: GameContext,
  job: Job,
  post: Kind<"PostReceipt">["PostReceipt"],
  sender: Address,
): Result<GameStep> {
  const { receipt, signature } = post.receipt;
  if (job.selection === null) return err("JOB_PHASE", "no selection stands yet");
  if (receipt.job !== job.id || receipt.attempt !== job.attempt) {
    return err("RECEIPT_JOB", "a receipt of another job or attempt");
  }
  if (dataCommitment(context.chainId, receipt.dataHash, job.payer) !== job.dataCommitment) {
    return err("RECEIPT_JOB", "a receipt for other data");
  }
  const { encoder } = receipt;
  if (shardSeatsOf(job, encoder) === 0) return err("RECEIPT_STRANGER", "the encoder holds no seat");
  const excused =
    chosenOf(job, encoder) !== undefined ||
    job.optOuts.some((optOut) => optOut.encoder === encoder) ||
    job.posted.some((other) => other.encoder === encoder);
  if (excused) return err("RECEIPT_EXCUSED", "the encoder was chosen, had committed, or had opted out");
  if (!signedByEncoder(context, encoder, "receipt", receipt, signature)) {
    return err("RECEIPT_SIGNATURE", "the encoder did not sign this receipt");
  }
  const slash = penalise(context, job, encoder, "unselected", sender);
  if (slash.effects.length === 0) return err("RECEIPT_DUPLICATE", "this receipt was brought already");
  return stepped(slash.job, ...slash.effects);
}
