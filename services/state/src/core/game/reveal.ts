import { err, ok, type Result } from "@soma/base";
import {
  type Address,
  commitHash,
  evaluatedSetDigest,
  type SignedReveal,
  type TransactionKind,
} from "@soma/protocol";
import {
  event,
  type GameContext,
  type GameEffect,
  type GameStep,
  signedByEncoder,
  signedBySession,
  stepped,
} from "./context.ts";
import { type Chosen, chosenOf, type Job, seatsOf, withChosen } from "./job.ts";
import { penalise } from "./penalties.ts";

type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>;

/**
 * GAME-6: the submitter's list of reveals fixes the evaluated set. Reveals that do not match their commit slash
 * their encoder and drop out; what is left must hold two thirds of the selected seats. Refusals: JOB_PHASE,
 * BUNDLE_SIGNATURE, BUNDLE_SHORT, REVEAL_DUPLICATE, and those of a reveal.
 */
export function postBundle(
  context: GameContext,
  job: Job,
  post: Kind<"PostBundle">["PostBundle"],
  sender: Address,
): Result<GameStep> {
  if (job.phase !== "selected") return err("JOB_PHASE", `a bundle does not fit a job that is ${job.phase}`);
  const { sessionSignature, ...bundle } = post;
  if (!signedBySession(context, job, "bundle", bundle, sessionSignature)) {
    return err("BUNDLE_SIGNATURE", "the session key did not sign this bundle");
  }
  const effects: GameEffect[] = [];
  const seen = new Set<string>();
  let next = job;
  for (const signed of bundle.reveals) {
    const { encoder } = signed.reveal;
    if (seen.has(encoder)) return err("REVEAL_DUPLICATE", "an encoder's reveal stands twice");
    seen.add(encoder);
    const taken = takeReveal(context, next, signed, sender);
    if (!taken.ok) return taken;
    next = taken.value.job;
    effects.push(...taken.value.effects);
  }
  const inSet = next.chosen.filter((entry) => seen.has(entry.encoder) && isEvaluable(entry));
  if (!holdsTwoThirds(inSet, next)) return err("BUNDLE_SHORT", "two thirds of the selected seats are needed");
  const fixed = fixEvaluatedSet(context, next, inSet);
  return stepped(fixed.job, ...effects, ...fixed.effects);
}

/**
 * GAME-6: a reveal on the ledger, for the fallback set or as a defence against a bundle that leaves it out.
 * Refusals: JOB_PHASE, REVEAL_LATE, REVEAL_DUPLICATE, REVEAL_JOB, REVEAL_STRANGER, REVEAL_SIGNATURE.
 */
export function postReveal(
  context: GameContext,
  job: Job,
  post: Kind<"PostReveal">["PostReveal"],
  sender: Address,
): Result<GameStep> {
  if (job.selection === null) return err("JOB_PHASE", "no selection stands yet");
  if (context.commit > job.revealDeadline)
    return err("REVEAL_LATE", `reveals ended at ${job.revealDeadline}`);
  const entry = chosenOf(job, post.reveal.reveal.encoder);
  if (entry !== undefined && (entry.revealed !== null || entry.mismatched)) {
    return err("REVEAL_DUPLICATE", "the encoder's reveal is known");
  }
  const taken = takeReveal(context, job, post.reveal, sender);
  return taken.ok ? stepped(taken.value.job, ...taken.value.effects) : taken;
}

/** Checks one signed reveal against its commit (GAME-5) and marks the chosen entry. */
function takeReveal(
  context: GameContext,
  job: Job,
  signed: SignedReveal,
  sender: Address,
): Result<{ job: Job; effects: readonly GameEffect[] }> {
  const { reveal, signature } = signed;
  if (reveal.job !== job.id || reveal.attempt !== job.attempt) {
    return err("REVEAL_JOB", "a reveal of another job or attempt");
  }
  const entry = chosenOf(job, reveal.encoder);
  if (entry === undefined) return err("REVEAL_STRANGER", "the encoder was not chosen");
  if (!signedByEncoder(context, reveal.encoder, "reveal", reveal, signature)) {
    return err("REVEAL_SIGNATURE", "the encoder did not sign this reveal");
  }
  const hash = commitHash(context.chainId, reveal.encoder, job.id, reveal.embeddingDigest);
  if (hash === entry.commitHash) {
    return ok({ job: withChosen(job, reveal.encoder, { revealed: reveal.embeddingDigest }), effects: [] });
  }
  const marked = withChosen(job, reveal.encoder, { mismatched: true });
  return ok(penalise(context, marked, reveal.encoder, "reveal", sender));
}

/** Revealed as committed, and never seen to sign another reveal. */
export function isEvaluable(entry: Chosen): boolean {
  return entry.revealed !== null && !entry.mismatched;
}

export function holdsTwoThirds(some: readonly Chosen[], job: Job): boolean {
  return 3 * seatsOf(some) >= 2 * seatsOf(job.chosen);
}

/** Fixes what is evaluated, and with it when the proof is due. */
export function fixEvaluatedSet(context: GameContext, job: Job, inSet: readonly Chosen[]): GameStep {
  const entries = inSet
    .map(({ encoder, revealed }) => ({ encoder, embeddingDigest: revealed! }))
    .sort((a, b) => (a.encoder < b.encoder ? -1 : 1));
  const digest = evaluatedSetDigest(context.chainId, { job: job.id, entries });
  const proofDeadline = context.commit + BigInt(context.parameters.proofTimeout);
  const members = new Set(entries.map((entry) => entry.encoder));
  return {
    job: {
      ...job,
      phase: "bundled",
      evaluatedSet: digest,
      proofDeadline,
      deadline: proofDeadline,
      chosen: job.chosen.map((entry) => ({ ...entry, evaluated: members.has(entry.encoder) })),
    },
    effects: [
      event({ JobBundled: { job: job.id, bundle: digest } }),
      { kind: "wake", commit: proofDeadline },
    ],
  };
}
