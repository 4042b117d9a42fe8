import { bytesEqual, err, ok, type Result } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import type { SignatureVerifier } from "@soma/crypto";
import { bitmapIndices } from "./certificate.ts";
import type { JobOutcome } from "./checkpoint.ts";
import { EvaluationResultCodec, evaluationDigest, evaluationSigningBytes } from "./evaluation-result.ts";
import type { Amount, Digest, EncoderId } from "./ids.ts";
import { type EvaluatedReveals, evaluateReveals, itemMasks } from "./job-evaluation.ts";
import {
  commitHash,
  EmbeddingBlobCodec,
  embeddingDigest,
  evaluatedSetDigest,
  jobSigningBytes,
} from "./job-messages.ts";
import type { Modality } from "./modality.ts";
import type { ReceiptReveal } from "./receipt-format.ts";
import type { PaidJob, VerifiedSelection } from "./receipt-job.ts";
import { eventOf, eventsOf, executed, type LedgerFact } from "./receipt-ledger.ts";

/** How many elements the governed tokenizer makes of an item (MASK-1); undefined if it cannot be decoded. */
export type Tokenise = (item: Uint8Array, modality: Modality) => number | undefined;

const BPS = 10_000n;

/**
 * GAME-5, GAME-6: the reveals are the set that the ledger fixed, each as committed, signed, and with the bytes that it
 * names. Returns the set's digest.
 */
export function verifyReveals(
  fact: LedgerFact,
  reveals: readonly ReceiptReveal[],
  paid: PaidJob,
  selection: VerifiedSelection,
  attempt: number,
  verifier: SignatureVerifier,
): Result<Digest> {
  const refuse = (message: string) => err("RECEIPT_REVEALS", message);
  let listed: ReadonlySet<Digest> | null = null;
  if (fact.fact.kind === "transaction") {
    const bundle = executed(fact, "PostBundle");
    if (!bundle.ok) return refuse(bundle.message);
    const { sessionSignature, ...message } = bundle.value.value;
    const signed = jobSigningBytes(paid.chainId, "bundle", message);
    if (!verifier.ed25519(paid.request.sessionKey, signed, sessionSignature)) {
      return refuse("the session key did not sign the bundle");
    }
    listed = new Set(message.reveals.map(({ reveal }) => reveal.embeddingDigest));
  } else {
    const due = selection.commit + BigInt(paid.parameters.revealTimeout);
    if (fact.fact.commit !== due) return refuse(`reveals without a bundle are due at commit ${due}`);
  }
  let seats = 0;
  let before = "";
  for (const { reveal: signed, blob } of reveals) {
    const { reveal, signature } = signed;
    const { encoder } = reveal;
    const entry = selection.selected.find((candidate) => candidate.encoder === encoder);
    if (entry === undefined) return refuse(`${encoder} was not chosen`);
    if (!(encoder > before)) return refuse("the reveals do not ascend by encoder");
    before = encoder;
    seats += entry.seats;
    if (reveal.job !== paid.job || reveal.attempt !== attempt) return refuse("of another job or attempt");
    if (embeddingDigest(paid.chainId, blob) !== reveal.embeddingDigest) {
      return refuse(`the vectors of ${encoder} are not those of its reveal`);
    }
    if (commitHash(paid.chainId, encoder, paid.job, reveal.embeddingDigest) !== entry.commitHash) {
      return refuse(`the reveal of ${encoder} does not match its commit`);
    }
    if (!verifier.ed25519(entry.messageKey, jobSigningBytes(paid.chainId, "reveal", reveal), signature)) {
      return refuse(`${encoder} did not sign its reveal`);
    }
  }
  if (!(3 * seats >= 2 * selection.seats)) {
    return refuse(`${seats} of ${selection.seats} selected seats revealed, two thirds are needed`);
  }
  const entries = reveals.map(({ reveal: { reveal } }) => reveal);
  if (listed !== null && !entries.every((entry) => listed.has(entry.embeddingDigest))) {
    return refuse("the submitter's bundle has other reveals");
  }
  const digest = evaluatedSetDigest(paid.chainId, { job: paid.job, entries });
  const event = eventOf(eventsOf(fact), "JobBundled", paid.job);
  if (event?.bundle !== digest) return refuse("the ledger fixed another evaluated set");
  return ok(digest);
}

/** MASK-1, MASK-2: the masks of every item, drawn anew from the items' lengths and the proven seeds. */
export function verifyMasks(
  paid: PaidJob,
  items: readonly Uint8Array[],
  beacon: Digest,
  tokenise: Tokenise,
): Result<number[][][]> {
  const masks: number[][][] = [];
  for (const [i, item] of items.entries()) {
    const length = tokenise(item, paid.modality);
    if (length === undefined) return err("RECEIPT_MASKS", `item ${i} cannot be tokenised`);
    if (length > paid.parameters.maxTokens) return err("RECEIPT_MASKS", `item ${i} has ${length} elements`);
    const { chainId, epoch, parameters, modality } = paid;
    const drawn = itemMasks({ chainId, epoch, parameters, beacon, modality, item, length });
    if (!drawn.ok) return err("RECEIPT_MASKS", `item ${i}: ${drawn.message}`);
    masks.push(drawn.value);
  }
  return ok(masks);
}

/**
 * Without a tokenizer: as many masks as the winner has vectors for, because the shard disqualifies whoever has
 * another number than the items' lengths call for. The evaluation then holds everybody to them.
 */
export function masksOfWinner(
  fact: LedgerFact,
  reveals: readonly ReceiptReveal[],
  paid: PaidJob,
): Result<number[]> {
  const refuse = (message: string) => err("RECEIPT_MASKS", message);
  const closed = eventOf(eventsOf(fact), "JobClosed", paid.job)?.outcome;
  const winner = closed?.$kind === "Settled" ? closed.Settled.winner : undefined;
  if (winner === undefined) return refuse("nobody won, so the masks can only be checked with a tokenizer");
  const revealed = reveals.find(({ reveal }) => reveal.reveal.encoder === winner);
  if (revealed === undefined) return refuse("the winner revealed nothing");
  const blob = decodeExact(EmbeddingBlobCodec, revealed.blob, revealed.blob.length);
  if (!blob.ok || blob.value.items.length !== paid.request.items) {
    return refuse("the winner's vectors do not fit the job");
  }
  return ok(blob.value.items.map((item) => item.masks.length));
}

/** What stands in the evaluation beside the reveals. */
export interface EvaluationInput {
  readonly paid: PaidJob;
  readonly selection: VerifiedSelection;
  readonly bundle: Digest;
  readonly beacon: Digest;
  readonly meanNormSquared: bigint;
  readonly masksOfItem: readonly number[];
  readonly reveals: readonly ReceiptReveal[];
}

/** GAME-7: the shard's evaluation, recomputed. */
export function verifyEvaluation(input: EvaluationInput): Result<EvaluatedReveals> {
  const { paid, selection } = input;
  const evaluated = evaluateReveals({
    chainId: paid.chainId,
    job: paid.job,
    selection: selection.digest,
    bundle: input.bundle,
    beacon: input.beacon,
    dimension: paid.parameters.embeddingDimension,
    masksOfItem: input.masksOfItem,
    meanNormSquared: input.meanNormSquared,
    reveals: input.reveals.map(({ reveal, blob }) => ({ encoder: reveal.reveal.encoder, blob })),
    selected: selection.selected.map(({ encoder }) => encoder),
  });
  return evaluated.ok ? evaluated : err("RECEIPT_EVALUATION", `${evaluated.code}: ${evaluated.message}`);
}

/** Who signed the final proof. */
export interface ProofSigners {
  readonly encoders: readonly EncoderId[];
  readonly seats: number;
}

/**
 * GAME-8: the final proof says what was recomputed, and more than two thirds of the selected seats signed it. Null
 * when the job closed by GAME-9's majority of evaluations posted singly, which has no aggregate.
 */
export function verifyProof(
  fact: LedgerFact,
  { result, finals }: EvaluatedReveals,
  paid: PaidJob,
  selection: VerifiedSelection,
  bundledAt: bigint,
  verifier: SignatureVerifier,
): Result<ProofSigners | null> {
  const refuse = (message: string) => err("RECEIPT_PROOF", message);
  const due = bundledAt + BigInt(paid.parameters.proofTimeout);
  if (fact.fact.kind === "deadline") {
    return fact.fact.commit === due ? ok(null) : refuse(`without a proof the job closes at commit ${due}`);
  }
  const proof = executed(fact, "FinalProof");
  if (!proof.ok) return refuse(proof.message);
  const { value } = proof.value;
  if (!bytesEqual(encode(EvaluationResultCodec, value.result), encode(EvaluationResultCodec, result))) {
    return refuse("the result is not what the reveals give");
  }
  if (!bytesEqual(value.finals, finals)) return refuse("the final vectors are not what the reveals give");
  const signers = bitmapIndices(value.signers, selection.selected.length);
  if (!signers.ok) return refuse(signers.message);
  const signing = signers.value.map((i) => selection.selected[i]!);
  const seats = signing.reduce((sum, entry) => sum + entry.seats, 0);
  if (!(3 * seats > 2 * selection.seats)) return refuse(`${seats} of ${selection.seats} seats signed`);
  const keys = signing.map((entry) => entry.blsKey);
  const message = evaluationSigningBytes(paid.chainId, result);
  return verifier.bls(keys, message, value.aggregateSignature)
    ? ok({ encoders: signing.map((entry) => entry.encoder), seats })
    : refuse("the aggregate signature does not verify");
}

/** GAME-8: the ledger closed the job with this result and paid what the rule says. */
export function verifyOutcome(
  fact: LedgerFact,
  { result }: EvaluatedReveals,
  paid: PaidJob,
): Result<{ outcome: JobOutcome; paid: Amount }> {
  const refuse = (message: string) => err("RECEIPT_OUTCOME", message);
  const outcome = eventOf(eventsOf(fact), "JobClosed", paid.job)?.outcome;
  if (outcome === undefined) return refuse("the ledger did not close the job here");
  if (outcome.$kind === "AllDisqualified") {
    if (result.winner !== null) return refuse("the ledger closed without the winner");
    const kept = (paid.fee * BigInt(paid.parameters.refundFeeBps)) / BPS;
    const refunded = paid.fee + paid.tip - kept;
    if (outcome.AllDisqualified.refunded !== refunded) return refuse(`the refund is not ${refunded}`);
    return ok({ outcome, paid: 0n });
  }
  if (outcome.$kind !== "Settled") return refuse(`the job ended ${outcome.$kind}, without a result`);
  const { winner, evaluation, paid: amount } = outcome.Settled;
  if (winner !== result.winner) return refuse("the ledger paid another encoder than the winner");
  if (evaluation !== evaluationDigest(paid.chainId, result)) return refuse("of another evaluation");
  const burned = (paid.fee * BigInt(paid.parameters.jobBurnBps)) / BPS;
  const due = paid.fee - burned + paid.tip;
  return amount === due ? ok({ outcome, paid: amount }) : refuse(`the winner is due ${due}`);
}
