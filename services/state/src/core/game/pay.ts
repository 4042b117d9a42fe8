import { err, type Result, toHex } from "@soma/base";
import {
  type Address,
  type Amount,
  drawCommit,
  type JobId,
  modalityRoster,
  type TransactionKind,
} from "@soma/protocol";
import { event, type GameContext, type GameStep, stepped } from "./context.ts";
import type { Job } from "./job.ts";

/** Fewer encoders than this cannot tell an outlier (OUTLIER-1), so no job is taken. */
export const MIN_JOB_ENCODERS = 4;
/** A final proof carries all final vectors in one transaction: these bytes must fit it. */
export const MAX_FINALS_BYTES = 240 * 1024;

export interface JobPayment {
  readonly id: JobId;
  readonly payer: Address;
  readonly balance: Amount;
  readonly request: NonNullable<
    Extract<TransactionKind, { $kind: "GenerateEmbeddings" }>["GenerateEmbeddings"]
  >;
}

/**
 * GAME-1: price x bytes and the tip go into escrow. Refusals: JOB_ITEMS, JOB_SIZE, JOB_TOO_LARGE,
 * JOB_NO_PRICE, JOB_ROSTER_SMALL, JOB_PRICE (above what the payer takes), BALANCE_SHORT.
 */
export function payForJob(context: GameContext, payment: JobPayment): Result<GameStep> {
  const { request } = payment;
  const { parameters, epoch } = context;
  if (request.items < 1 || request.items > parameters.jobItems) {
    return err("JOB_ITEMS", `a job has 1 to ${parameters.jobItems} items`);
  }
  if (request.sizeBytes < 1n) return err("JOB_SIZE", "a job has at least one byte");
  if (request.items * parameters.embeddingDimension * 2 > MAX_FINALS_BYTES) {
    return err("JOB_TOO_LARGE", "the final vectors would not fit one transaction");
  }
  const price = epoch.prices[request.modality] ?? 0n;
  if (price === 0n) return err("JOB_NO_PRICE", "nobody asks a price for this modality");
  const roster = modalityRoster(epoch, request.modality).filter((entry) => entry.stake > 0n);
  if (roster.length < MIN_JOB_ENCODERS) {
    return err("JOB_ROSTER_SMALL", `${roster.length} encoders, at least ${MIN_JOB_ENCODERS} are needed`);
  }
  if (price > request.maxPricePerByte) return err("JOB_PRICE", `the price is ${price} a byte`);
  const fee = price * request.sizeBytes;
  const escrow = fee + request.jobTip;
  if (escrow > payment.balance) return err("BALANCE_SHORT", `the job costs ${escrow}`);
  const drawAt = drawCommit(context.commit, 0, parameters);
  const job: Job = {
    id: payment.id,
    payer: payment.payer,
    sessionKey: toHex(Uint8Array.from(request.sessionKey)),
    modality: request.modality,
    items: request.items,
    sizeBytes: request.sizeBytes,
    dataCommitment: request.dataCommitment,
    fee,
    tip: request.jobTip,
    escrow,
    epoch: epoch.epoch,
    paidAt: context.commit,
    phase: "paid",
    attempt: 0,
    shard: [],
    quorum: 0,
    deadline: drawAt,
    posted: [],
    optOuts: [],
    selection: null,
    chosen: [],
    revealDeadline: 0n,
    evaluatedSet: null,
    proofDeadline: 0n,
    evaluations: [],
    missing: [],
    winner: null,
    outcome: "",
    slashed: [],
  };
  return stepped(job, event({ JobPaid: { job: job.id, escrow, commit: context.commit } }), {
    kind: "wake",
    commit: drawAt,
  });
}
