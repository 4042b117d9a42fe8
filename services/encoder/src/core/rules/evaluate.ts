import { err, type Result } from "@soma/base";
import {
  type EncoderId,
  type EvaluationResult,
  evaluationDigest,
  evaluationSigningBytes,
  type Hex32,
  type JobMessage,
} from "@soma/protocol";
import { isNear, proofDeadline, signMessage } from "../context.ts";
import type { EncoderEffect, RevealToEvaluate } from "../effect.ts";
import { chosenOf, type EncoderJob } from "../job.ts";
import { entered, type JobView, post, sendTo, type Turn, taken, turned } from "./turn.ts";

type SignedEvaluation = Extract<JobMessage, { $kind: "Evaluation" }>["Evaluation"];

/** Whether this encoder owes an evaluation, or may give one (GAME-7). */
function isEvaluator(view: JobView, job: EncoderJob): boolean {
  return job.evaluatedSet !== null && chosenOf(job, view.context.encoder) !== undefined;
}

/** Asks the scorers, once the address of every evaluated encoder's vectors is known. */
export function requestEvaluation(view: JobView, job: EncoderJob): Turn {
  if (!isEvaluator(view, job) || job.evaluation !== null || job.own === null) return turned(job);
  if (job.selection === null || job.evaluatedSet === null || job.beacon === null) return turned(job);
  const reveals: RevealToEvaluate[] = [];
  for (const entry of job.chosen) {
    if (!entry.evaluated) continue;
    const isOwn = entry.encoder === view.context.encoder;
    const vectors = isOwn ? job.own.vectors : entry.vectors;
    if (vectors === null || entry.revealed === null) return turned(job);
    reveals.push({ encoder: entry.encoder, embeddingDigest: entry.revealed, vectors });
  }
  const asks = job.asks + 1;
  return turned(
    { ...job, asks },
    {
      kind: "request-evaluation",
      job: job.id,
      ask: asks,
      selection: job.selection,
      bundle: job.evaluatedSet,
      beacon: job.beacon,
      masksOfItem: job.own.masksOfItem,
      reveals,
      selected: job.chosen.map((entry) => entry.encoder),
    },
  );
}

/** Signs the scorers' result of exactly the ledger's set, once. Refusals: EVALUATION_STALE, EVALUATION_OTHER. */
export function takeEvaluated(view: JobView, job: EncoderJob, result: EvaluationResult): Result<Turn> {
  const { context } = view;
  if (!isEvaluator(view, job) || job.evaluation !== null) return err("EVALUATION_STALE", "not asked for");
  const set = job.chosen.filter((entry) => entry.evaluated).map((entry) => entry.encoder);
  const isOurs =
    result.job === job.id && result.selection === job.selection && result.bundle === job.evaluatedSet;
  const scored = result.scores.map((score) => score.encoder);
  if (!isOurs || result.items !== job.items || set.sort().join() !== scored.join()) {
    return err("EVALUATION_OTHER", "the result is not of this job's evaluated set");
  }
  const digest = evaluationDigest(context.chainId, result);
  const blsSignature = context.signer.evaluation(evaluationSigningBytes(context.chainId, result));
  const own = { encoder: context.encoder, evaluation: digest, blsSignature };
  const evaluated: EncoderJob = {
    ...entered(view, job),
    evaluation: { result, digest, blsSignature },
    missing: [],
    partials: [...job.partials.filter((partial) => partial.encoder !== context.encoder), own],
  };
  return taken(evaluated, { kind: "keep-finals", job: job.id }, ...sendEvaluation(view, evaluated), {
    kind: "note",
    job: job.id,
    milestone: "evaluated",
  });
}

/** The signature under our evaluation, to the other chosen ones and the submitter. */
export function sendEvaluation(view: JobView, job: EncoderJob): EncoderEffect[] {
  if (job.evaluation === null) return [];
  const peers = job.chosen
    .map((entry) => entry.encoder)
    .filter((encoder) => encoder !== view.context.encoder);
  return sendTo(job, { Evaluation: ownEvaluation(view, job, job.evaluation) }, peers);
}

function ownEvaluation(
  view: JobView,
  job: EncoderJob,
  { digest, blsSignature }: NonNullable<EncoderJob["evaluation"]>,
): SignedEvaluation {
  return { message: { job: job.id, encoder: view.context.encoder, evaluation: digest }, blsSignature };
}

/** The vectors of some could not be had; it is tried again. Refusal: EVALUATION_STALE. */
export function takeEvaluationFailure(
  view: JobView,
  job: EncoderJob,
  failed: { readonly bundle: Hex32; readonly missing: readonly EncoderId[] },
): Result<Turn> {
  if (!isEvaluator(view, job) || job.evaluation !== null || failed.bundle !== job.evaluatedSet) {
    return err("EVALUATION_STALE", "not asked for");
  }
  const missing = failed.missing.filter((encoder) => chosenOf(job, encoder)?.evaluated === true);
  return taken({ ...job, missing });
}

/**
 * A peer's signature; checked together with the others when they are enough. Refusals: EVALUATION_SENDER,
 * EVALUATION_PHASE, EVALUATION_STRANGER, EVALUATION_REFUSED (its signature did not verify before).
 */
export function takePartial(
  view: JobView,
  job: EncoderJob,
  { message, blsSignature }: SignedEvaluation,
  sender: Hex32,
): Result<Turn> {
  const { encoder, evaluation } = message;
  if (encoder !== sender || encoder === view.context.encoder) {
    return err("EVALUATION_SENDER", "an evaluation comes from its own encoder");
  }
  if (job.phase !== "bundled") return err("EVALUATION_PHASE", `the job is ${job.phase}`);
  if (chosenOf(job, encoder) === undefined) return err("EVALUATION_STRANGER", "the encoder was not chosen");
  if (job.badPartials.includes(encoder)) return err("EVALUATION_REFUSED", "it signed something else before");
  const others = job.partials.filter((partial) => partial.encoder !== encoder);
  return taken({ ...job, partials: [...others, { encoder, evaluation, blsSignature }] });
}

/**
 * GAME-9: near the proof's end without one, or after a proof that does not count this encoder's signature, the
 * evaluation goes onto the ledger: who has not answered by the deadline is slashed.
 */
export function postEvaluationWhenUncounted(view: JobView, job: EncoderJob): Turn {
  if (job.evaluation === null || job.answered || !isEvaluator(view, job)) return turned(job);
  const deadline = proofDeadline(view.context, job);
  if (view.head > deadline) return turned(job);
  const isNearEnd = isNear(view.head, deadline, view.context.parameters.proofTimeout);
  const isProvedWithoutUs = job.phase === "closed" && chosenOf(job, view.context.encoder)?.evaluated === true;
  if (!isProvedWithoutUs && !(job.phase === "bundled" && isNearEnd)) return turned(job);
  const { result } = job.evaluation;
  return post(job, view.head, "PostEvaluation", {
    PostEvaluation: { evaluation: ownEvaluation(view, job, job.evaluation), result },
  });
}

/** ADR 0002: half of the proof's time is over, and somebody's vectors cannot be had: that is an answer too. */
export function postUnavailableWhenMissing(view: JobView, job: EncoderJob): Turn {
  if (job.phase !== "bundled" || job.evaluation !== null || !isEvaluator(view, job)) return turned(job);
  const half = job.bundledAt + BigInt(Math.floor(view.context.parameters.proofTimeout / 2));
  if (view.head < half) return turned(job);
  const missing = job.missing[0] ?? unaddressed(view, job);
  if (missing === undefined) return turned(job);
  const { encoder } = view.context;
  const unavailable = { job: job.id, attempt: job.attempt, encoder, missing };
  const signature = signMessage(view.context, "unavailable", unavailable);
  return post(job, view.head, "PostUnavailable", {
    PostUnavailable: { unavailable: { unavailable, signature } },
  });
}

/** Somebody in the evaluated set who never said where its vectors are. */
function unaddressed(view: JobView, job: EncoderJob): EncoderId | undefined {
  return job.chosen.find(
    (entry) => entry.evaluated && entry.vectors === null && entry.encoder !== view.context.encoder,
  )?.encoder;
}
