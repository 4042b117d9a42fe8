import { err, ok, type Result } from "@soma/base";
import { commitHash, type Hex32, type JobMessage } from "@soma/protocol";
import { isNear, revealDeadline, signedByEncoder } from "../context.ts";
import type { EncoderEffect } from "../effect.ts";
import { chosenOf, type EncoderJob, withChosen } from "../job.ts";
import { requestEvaluation } from "./evaluate.ts";
import { type JobView, post, sendTo, type Turn, taken, turned } from "./turn.ts";

type RevealMessage = Extract<JobMessage, { $kind: "Reveal" }>["Reveal"];

/** Whether this encoder is chosen with the commit that it made: then, and only then, it may reveal (GAME-5). */
export function mayReveal(view: JobView, job: EncoderJob): boolean {
  const chosen = chosenOf(job, view.context.encoder);
  return (
    job.selection !== null && job.own !== null && chosen?.commitHash === job.own.commit.commit.commitHash
  );
}

/** GAME-5: the vectors to the gateways, the signed reveal to the other chosen ones and the submitter. */
export function reveal(
  view: JobView,
  job: EncoderJob,
  peers: readonly Hex32[] = otherChosen(view, job),
): EncoderEffect[] {
  if (!mayReveal(view, job) || job.own === null) return [];
  const { vectors, reveal: signed } = job.own;
  return [
    { kind: "publish-vectors", job: job.id, vectors },
    ...sendTo(job, { Reveal: { reveal: signed, vectors } }, peers),
  ];
}

export function otherChosen(view: JobView, job: EncoderJob): Hex32[] {
  return job.chosen.map((entry) => entry.encoder).filter((encoder) => encoder !== view.context.encoder);
}

/**
 * A peer's reveal: where its vectors are. The ledger alone says what is evaluated; this only adds the address.
 * Refusals: REVEAL_SENDER, REVEAL_PHASE, REVEAL_STRANGER, REVEAL_MISMATCH, REVEAL_SIGNATURE.
 */
export function takeReveal(
  view: JobView,
  job: EncoderJob,
  { reveal: signed, vectors }: RevealMessage,
  sender: Hex32,
): Result<Turn> {
  const { context, epoch } = view;
  const { reveal: message, signature } = signed;
  // The address of the vectors is signed by nobody but the sender's envelope.
  if (message.encoder !== sender) return err("REVEAL_SENDER", "a reveal comes from its own encoder");
  if (job.selection === null) {
    return err("REVEAL_PHASE", `a reveal does not fit a job that is ${job.phase}`);
  }
  const entry = chosenOf(job, sender);
  if (entry === undefined || message.attempt !== job.attempt) {
    return err("REVEAL_STRANGER", "the encoder was not chosen");
  }
  if (commitHash(context.chainId, sender, job.id, message.embeddingDigest) !== entry.commitHash) {
    return err("REVEAL_MISMATCH", "the reveal is not what was committed to");
  }
  if (entry.vectors === vectors) return taken(job);
  if (!signedByEncoder(context, epoch, sender, "reveal", message, signature)) {
    return err("REVEAL_SIGNATURE", "the encoder did not sign this reveal");
  }
  const next = withChosen(job, sender, { vectors });
  const asked = requestEvaluation(view, next);
  // Its first address alone: a peer must not have us fetch ever more. With the last one, the scorer fetches.
  const isAsked = asked.effects.length > 0 || job.evaluation !== null;
  if (job.own === null || isAsked || entry.vectors !== null) return ok(asked);
  // A peer may name our own: they are here, or will be, and not to be removed with the peers'.
  if (job.own.vectors === vectors) return ok(asked);
  const { masksOfItem } = job.own;
  return taken(asked.job, { kind: "fetch-vectors", job: job.id, vectors, masksOfItem });
}

/**
 * GAME-6: near the reveals' end without a bundle, or left out of it, the reveal goes onto the ledger, because
 * silence there is slashed.
 */
export function postRevealWhenLeftOut(view: JobView, job: EncoderJob): Turn {
  if (!mayReveal(view, job) || job.own === null) return turned(job);
  const entry = chosenOf(job, view.context.encoder);
  if (entry === undefined || entry.revealed !== null || entry.mismatched) return turned(job);
  const deadline = revealDeadline(view.context, job);
  if (view.head > deadline) return turned(job);
  const isLeftOut = job.evaluatedSet !== null && !entry.evaluated;
  if (!isLeftOut && !isNear(view.head, deadline, view.context.parameters.revealTimeout)) return turned(job);
  return post(job, view.head, "PostReveal", { PostReveal: { reveal: job.own.reveal } });
}
