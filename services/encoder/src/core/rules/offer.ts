import { err, fromHex, type Result } from "@soma/base";
import {
  dataCommitment,
  type Hex32,
  type JobMessage,
  jobSigningBytes,
  type SignedOptOut,
} from "@soma/protocol";
import { signMessage } from "../context.ts";
import type { EncoderEffect } from "../effect.ts";
import type { FetchOutcome } from "../input.ts";
import { type EncoderJob, type Fault, holdsSeat } from "../job.ts";
import { entered, type JobView, post, sendTo, type Turn, taken, turned } from "./turn.ts";

type OfferMessage = Extract<JobMessage, { $kind: "Offer" }>["Offer"];

/** Mailboxes that an answer goes to: a submitter may move on, but not name ever more. */
const MAX_MAILBOXES = 3;

/**
 * GAME-2: an offer is answered only if the session key of the paying transaction signed it, its data hash is the
 * one that was paid for, and this encoder holds a seat. The first one is answered with a receipt and the data is
 * fetched; a repeat is answered with what there is. Refusals: OFFER_PHASE, OFFER_ATTEMPT, OFFER_SEAT,
 * OFFER_MODALITY, OFFER_DATA_HASH, OFFER_SIGNATURE, OFFER_MAILBOX.
 */
export function takeOffer(
  view: JobView,
  job: EncoderJob,
  { offer, data, sessionSignature }: OfferMessage,
  mailbox: Hex32,
  at: number,
): Result<Turn> {
  const { context, epoch } = view;
  if (job.phase !== "drawn") return err("OFFER_PHASE", `an offer does not fit a job that is ${job.phase}`);
  if (offer.attempt !== job.attempt) return err("OFFER_ATTEMPT", `the job is at attempt ${job.attempt}`);
  if (!holdsSeat(job, context.encoder)) return err("OFFER_SEAT", "this encoder holds no seat");
  if (!context.modalities.includes(job.modality)) return err("OFFER_MODALITY", "not this encoder's modality");
  if (dataCommitment(context.chainId, offer.dataHash, job.payer) !== job.dataCommitment) {
    return err("OFFER_DATA_HASH", "the data hash is not the one that was paid for");
  }
  const signed = jobSigningBytes(context.chainId, "offer", offer);
  if (!context.verifier.ed25519(fromHex(job.sessionKey), signed, sessionSignature)) {
    return err("OFFER_SIGNATURE", "the session key did not sign this offer");
  }
  if (!epoch.committee.some((member) => member.validator === mailbox)) {
    return err("OFFER_MAILBOX", "the mailbox is no validator's");
  }
  const mailboxes = job.mailboxes.includes(mailbox)
    ? job.mailboxes
    : [...job.mailboxes, mailbox].slice(-MAX_MAILBOXES);
  if (job.offer !== null) return repeated({ ...job, mailboxes }, data);
  const receipt = { job: job.id, attempt: job.attempt, encoder: context.encoder, dataHash: offer.dataHash };
  const offered: EncoderJob = {
    ...entered(view, job),
    mailboxes,
    stage: "fetching",
    offer: {
      dataHash: offer.dataHash,
      data,
      sessionSignature,
      receiptSignature: signMessage(context, "receipt", receipt),
      receivedAt: BigInt(Math.max(0, Math.floor(at))),
    },
  };
  const note: EncoderEffect = { kind: "note", job: job.id, milestone: "offered" };
  return taken(offered, ...answer(view, offered), ...fetchItems(offered), note);

  function repeated(known: EncoderJob, address: Hex32): Result<Turn> {
    // The address is not signed: another one may lead to the data where the first did not.
    const moved = known.offer !== null && known.fault !== null && known.offer.data !== address;
    const next = moved ? { ...known, fault: null, offer: { ...known.offer!, data: address } } : known;
    return taken(next, ...answer(view, next), ...(moved ? fetchItems(next) : []));
  }
}

/** Everything that the submitter may know of the attempt so far: the receipt, and the commit or opt-out. */
export function answer(view: JobView, job: EncoderJob): EncoderEffect[] {
  if (job.offer === null) return [];
  const { dataHash, receiptSignature: signature } = job.offer;
  const receipt = { job: job.id, attempt: job.attempt, encoder: view.context.encoder, dataHash };
  const effects = sendTo(job, { Receipt: { receipt, signature } });
  if (job.own !== null) effects.push(...sendTo(job, { Commit: job.own.commit }));
  if (job.optOut !== null) effects.push(...sendTo(job, { OptOut: job.optOut }));
  return effects;
}

export function fetchItems(job: EncoderJob): EncoderEffect[] {
  if (job.offer === null) return [];
  const { id, attempt, sizeBytes, items, modality } = job;
  const { data, dataHash } = job.offer;
  return [{ kind: "fetch-items", job: id, attempt, data, dataHash, sizeBytes, items, modality }];
}

export function requestInference(view: JobView, job: EncoderJob): Turn {
  if (job.offer === null || job.beacon === null) return turned(job);
  const asks = job.asks + 1;
  return turned(
    { ...job, asks },
    {
      kind: "request-inference",
      job: job.id,
      attempt: job.attempt,
      ask: asks,
      data: job.offer.data,
      modality: job.modality,
      lastBlock: view.epoch.lastBlock,
      beacon: job.beacon,
    },
  );
}

/**
 * What the data turned out to be. Bad data is answered with an opt-out at once; what an unsigned address may be
 * at fault for is tried again until half of the selection's time is over. Refusal: FETCH_STALE (of another
 * attempt or address, or not waited for).
 */
export function takeFetched(
  view: JobView,
  job: EncoderJob,
  fetched: { readonly attempt: number; readonly data: Hex32; readonly outcome: FetchOutcome },
): Result<Turn> {
  const expected = job.phase === "drawn" && job.stage === "fetching" && job.attempt === fetched.attempt;
  if (!expected || job.offer?.data !== fetched.data) return err("FETCH_STALE", "not what was asked for");
  switch (fetched.outcome) {
    case "ok": {
      const embedding: EncoderJob = { ...entered(view, job), stage: "embedding", fault: null };
      return { ok: true, value: requestInference(view, embedding) };
    }
    case "SizeMismatch":
    case "Undecodable":
      return { ok: true, value: optOut(view, job, fetched.outcome) };
    case "HashMismatch":
    case "Unavailable":
      return taken({ ...job, fault: fetched.outcome });
  }
}

/** Inference did not come to an end. Refusal: INFERENCE_STALE. */
export function takeInferenceFailure(
  view: JobView,
  job: EncoderJob,
  failed: { readonly attempt: number; readonly isDataAtFault: boolean },
): Result<Turn> {
  if (job.phase !== "drawn" || job.stage !== "embedding" || job.attempt !== failed.attempt) {
    return err("INFERENCE_STALE", "not what was asked for");
  }
  if (failed.isDataAtFault) return { ok: true, value: optOut(view, job, "Undecodable") };
  return taken({ ...job, fault: "Unavailable" });
}

type Reason = Fault | "SizeMismatch" | "Undecodable";

/** GAME-2: a signed opt-out, to the submitter and onto the ledger. Never beside a commit of the same attempt. */
export function optOut(view: JobView, job: EncoderJob, reason: Reason): Turn {
  if (job.own !== null || job.optOut !== null) return turned(job);
  const message = {
    job: job.id,
    attempt: job.attempt,
    encoder: view.context.encoder,
    reason: { [reason]: true, $kind: reason } as SignedOptOut["optOut"]["reason"],
  };
  const signed: SignedOptOut = { optOut: message, signature: signMessage(view.context, "optOut", message) };
  const out: EncoderJob = { ...entered(view, job), stage: "opted-out", optOut: signed };
  const posted = post(out, view.head, "PostOptOut", { PostOptOut: { optOut: signed } });
  const note: EncoderEffect = { kind: "note", job: job.id, milestone: "opted-out" };
  return turned(posted.job, ...sendTo(out, { OptOut: signed }), ...posted.effects, note);
}
