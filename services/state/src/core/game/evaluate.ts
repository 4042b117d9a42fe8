import { err, ok, type Result, toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import {
  bitmapIndices,
  type EvaluationResult,
  evaluationDigest,
  evaluationSigningBytes,
  type TransactionKind,
} from "@soma/protocol";
import { closeAllDisqualified, closeWithoutResult, forgotten, settle } from "./close.ts";
import { type GameContext, type GameStep, rosterEntry, signedByEncoder, stepped } from "./context.ts";
import { chosenOf, type Job, seatsOf, withChosen } from "./job.ts";
import { penalise } from "./penalties.ts";
import { standingsOf } from "./standing.ts";

type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>;

/**
 * GAME-8: more than two thirds of the selected seats signed one result. Fee and tip are paid at once; who has not
 * answered by the proof's deadline is slashed then. Refusals: JOB_PHASE, RESULT_*, PROOF_FINALS, PROOF_SIGNERS,
 * PROOF_QUORUM, PROOF_SIGNATURE.
 */
export function finalProof(
  context: GameContext,
  job: Job,
  post: Kind<"FinalProof">["FinalProof"],
): Result<GameStep> {
  const { result } = post;
  if (job.phase !== "bundled") return err("JOB_PHASE", `a proof does not fit a job that is ${job.phase}`);
  const checked = checkResult(job, result);
  if (!checked.ok) return checked;
  const finals = checkFinals(context, result, post.finals);
  if (!finals.ok) return finals;
  const indices = bitmapIndices(post.signers, job.chosen.length);
  if (!indices.ok) return err("PROOF_SIGNERS", indices.message);
  const signers = indices.value.map((index) => job.chosen[index]!);
  if (3 * seatsOf(signers) <= 2 * seatsOf(job.chosen)) {
    return err("PROOF_QUORUM", `${seatsOf(signers)} of ${seatsOf(job.chosen)} seats signed`);
  }
  const keys = signers.map((entry) => rosterEntry(context, entry.encoder)?.blsKey ?? new Uint8Array());
  const message = evaluationSigningBytes(context.chainId, result);
  if (!context.verifier.bls(keys, message, post.aggregateSignature)) {
    return err("PROOF_SIGNATURE", "the aggregate signature does not verify");
  }
  let next = job;
  for (const signer of signers) next = withChosen(next, signer.encoder, { answered: true });
  if (result.winner === null) return ok(closeAllDisqualified(context, next));
  const settled = settle(context, next, result.winner, evaluationDigest(context.chainId, result));
  return stepped(settled.job, ...settled.effects, ...standingsOf(job, result));
}

/**
 * What the ledger can check of a result: that it is of this job's selection and set, and is whole. Refusals:
 * JOB_PHASE, RESULT_JOB, RESULT_SET, RESULT_WINNER, RESULT_ITEMS.
 */
function checkResult(job: Job, result: EvaluationResult): Result<true> {
  if (job.phase !== "bundled" && !(job.phase === "closed" && job.evaluatedSet !== null)) {
    return err("JOB_PHASE", `an evaluation does not fit a job that is ${job.phase}`);
  }
  if (result.job !== job.id || result.selection !== job.selection || result.bundle !== job.evaluatedSet) {
    return err("RESULT_JOB", "a result of another job, selection or set");
  }
  const expected = job.chosen
    .filter((entry) => entry.evaluated)
    .map((entry) => entry.encoder)
    .sort();
  if (expected.join() !== result.scores.map((score) => score.encoder).join()) {
    return err("RESULT_SET", "the scores are not those of the evaluated set, ascending");
  }
  if (result.items !== job.items) return err("RESULT_ITEMS", `the job has ${job.items} items`);
  const qualified = result.scores.filter((score) => !score.disqualified).map((score) => score.encoder);
  const wins = result.winner === null ? qualified.length === 0 : qualified.includes(result.winner);
  return wins ? ok(true) : err("RESULT_WINNER", "the winner is not qualified, or is withheld");
}

function checkFinals(context: GameContext, result: EvaluationResult, finals: Uint8Array): Result<true> {
  const width = context.parameters.embeddingDimension * 2;
  if (result.winner === null) {
    return finals.length === 0 ? ok(true) : err("PROOF_FINALS", "nobody qualified: there are no vectors");
  }
  if (finals.length !== width * result.items) return err("PROOF_FINALS", "vectors of another size");
  const leaves = Array.from({ length: result.items }, (_, i) => finals.subarray(i * width, (i + 1) * width));
  return toHex(merkleRoot(leaves)) === result.finalsRoot
    ? ok(true)
    : err("PROOF_FINALS", "the vectors do not match the result's root");
}

/**
 * GAME-9: one encoder's evaluation. It answers for its encoder, whatever it says (ADR 0002: a captured quorum
 * must not slash those who differ), and counts toward the majority if no proof comes. Refusals: JOB_PHASE,
 * RESULT_*, EVALUATION_LATE, EVALUATION_STRANGER, EVALUATION_DIGEST, EVALUATION_SIGNATURE, EVALUATION_DUPLICATE.
 */
export function postEvaluation(
  context: GameContext,
  job: Job,
  post: Kind<"PostEvaluation">["PostEvaluation"],
): Result<GameStep> {
  const { message, blsSignature } = post.evaluation;
  const checked = checkResult(job, post.result);
  if (!checked.ok) return checked;
  if (context.commit > job.proofDeadline) return err("EVALUATION_LATE", `due at ${job.proofDeadline}`);
  const entry = chosenOf(job, message.encoder);
  if (entry === undefined) return err("EVALUATION_STRANGER", "the encoder was not chosen");
  if (job.evaluations.some((other) => other.encoder === message.encoder)) {
    return err("EVALUATION_DUPLICATE", "the encoder has posted an evaluation");
  }
  const digest = evaluationDigest(context.chainId, post.result);
  if (message.job !== job.id || message.evaluation !== digest) {
    return err("EVALUATION_DIGEST", "the message is of another result");
  }
  const key = rosterEntry(context, message.encoder)?.blsKey ?? new Uint8Array();
  const bytes = evaluationSigningBytes(context.chainId, post.result);
  if (!context.verifier.bls([key], bytes, blsSignature)) {
    return err("EVALUATION_SIGNATURE", "the encoder did not sign this result");
  }
  const answered = withChosen(job, message.encoder, { answered: true });
  const evaluation = { encoder: message.encoder, evaluation: digest, winner: post.result.winner };
  return stepped({ ...answered, evaluations: [...job.evaluations, evaluation] });
}

/**
 * ADR 0002: the vectors of `missing` cannot be had. It answers for its encoder; when more than two thirds of the
 * selected seats name the same encoder, that one is slashed for its reveal, within the cap of ADR 0001 since it is
 * their word against its own, and the job ends without a result. Nobody earns by saying so.
 * Refusals: JOB_PHASE, UNAVAILABLE_JOB, UNAVAILABLE_STRANGER, UNAVAILABLE_SIGNATURE, UNAVAILABLE_DUPLICATE.
 */
export function postUnavailable(
  context: GameContext,
  job: Job,
  post: Kind<"PostUnavailable">["PostUnavailable"],
): Result<GameStep> {
  if (job.phase !== "bundled") return err("JOB_PHASE", `no vectors are missed while a job is ${job.phase}`);
  const { unavailable, signature } = post.unavailable;
  const { encoder, missing } = unavailable;
  if (unavailable.job !== job.id || unavailable.attempt !== job.attempt) {
    return err("UNAVAILABLE_JOB", "a statement about another job or attempt");
  }
  if (chosenOf(job, encoder) === undefined || chosenOf(job, missing)?.evaluated !== true) {
    return err("UNAVAILABLE_STRANGER", "one of both encoders is not in the evaluated set's job");
  }
  if (!signedByEncoder(context, encoder, "unavailable", unavailable, signature)) {
    return err("UNAVAILABLE_SIGNATURE", "the encoder did not sign this statement");
  }
  if (job.missing.some((other) => other.encoder === encoder && other.missing === missing)) {
    return err("UNAVAILABLE_DUPLICATE", "this statement stands already");
  }
  const next: Job = {
    ...withChosen(job, encoder, { answered: true }),
    missing: [...job.missing, { encoder, missing }],
  };
  const naming = next.chosen.filter((entry) =>
    next.missing.some((other) => other.encoder === entry.encoder && other.missing === missing),
  );
  if (3 * seatsOf(naming) <= 2 * seatsOf(next.chosen)) return stepped(next);
  const slash = penalise(context, next, missing, "reveal", null, true);
  const closed = forgotten(closeWithoutResult(slash.job, "vectors-unavailable"));
  return stepped(closed.job, ...slash.effects, ...closed.effects);
}

/**
 * GAME-9, no proof in time: the posted evaluations' majority stands, if it is more than half of the seats that
 * posted and a third of those selected, so that one hasty evaluation decides nothing.
 */
export function closeByMajority(context: GameContext, job: Job): GameStep {
  const seats = new Map<string, number>();
  let posted = 0;
  for (const { encoder, evaluation } of job.evaluations) {
    const weight = chosenOf(job, encoder)?.seats ?? 0;
    posted += weight;
    seats.set(evaluation, (seats.get(evaluation) ?? 0) + weight);
  }
  const standing = job.evaluations.find(({ evaluation }) => {
    const weight = seats.get(evaluation) ?? 0;
    return 2 * weight > posted && 3 * weight >= seatsOf(job.chosen);
  });
  if (standing === undefined) return closeWithoutResult(job, "no-evaluation");
  return standing.winner === null
    ? closeAllDisqualified(context, job)
    : settle(context, job, standing.winner, standing.evaluation);
}
