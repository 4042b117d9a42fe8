import { ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import type { JobEvaluation } from "@soma/embedding";
import type { JobOutcome } from "./checkpoint.ts";
import type { EvaluationResult } from "./evaluation-result.ts";
import type { Genesis } from "./genesis.ts";
import type { Address, Amount, Digest, EncoderId, JobId } from "./ids.ts";
import type { Modality } from "./modality.ts";
import { decodeReceipt } from "./receipt-format.ts";
import { verifyData, verifyDraw, verifyPayment, verifySelection } from "./receipt-job.ts";
import { verifyLedger } from "./receipt-ledger.ts";
import {
  masksOfWinner,
  type ProofSigners,
  type Tokenise,
  verifyEvaluation,
  verifyMasks,
  verifyOutcome,
  verifyProof,
  verifyReveals,
} from "./receipt-result.ts";

/** The stages of a verification in order: the code of their refusals, and what each establishes. */
export const RECEIPT_STAGES = [
  { code: "RECEIPT_FORMAT", title: "file format" },
  { code: "RECEIPT_GENESIS", title: "genesis" },
  { code: "RECEIPT_CHAIN", title: "committee hand-overs and checkpoint certificates" },
  { code: "RECEIPT_INCLUSION", title: "inclusion in the checkpoints" },
  { code: "RECEIPT_PAYMENT", title: "payment" },
  { code: "RECEIPT_DATA", title: "data hash" },
  { code: "RECEIPT_DRAW", title: "shard drawn from the beacon" },
  { code: "RECEIPT_SELECTION", title: "selection and commits" },
  { code: "RECEIPT_REVEALS", title: "reveals against commits" },
  { code: "RECEIPT_MASKS", title: "masks" },
  { code: "RECEIPT_EVALUATION", title: "losses, outliers, average, winner" },
  { code: "RECEIPT_PROOF", title: "final proof and its signatures" },
  { code: "RECEIPT_OUTCOME", title: "payment of the winner" },
] as const;
export type ReceiptStage = (typeof RECEIPT_STAGES)[number]["code"];

export interface ReceiptDeps {
  readonly verifier: SignatureVerifier;
  /** Lets the masks be drawn anew from the items; without it their number is taken from the winner's vectors. */
  readonly tokenise?: Tokenise;
}

/** What a receipt proves. */
export interface VerifiedReceipt {
  readonly chainId: string;
  readonly genesis: Digest;
  readonly handovers: number;
  readonly checkpoints: number;
  readonly job: JobId;
  readonly payer: Address;
  readonly epoch: bigint;
  /** Commits of the ledger at which the job's steps took effect. */
  readonly commits: {
    readonly paid: bigint;
    readonly drawn: bigint;
    readonly selected: bigint;
    readonly bundled: bigint;
    readonly closed: bigint;
  };
  readonly modality: Modality;
  readonly items: readonly Uint8Array[];
  readonly dataHash: Digest;
  readonly attempt: number;
  /** Seats drawn, seats that are a quorum, and seats that were selected. */
  readonly seats: { readonly drawn: number; readonly quorum: number; readonly selected: number };
  /** The selection's encoders in its order. */
  readonly selected: readonly { readonly encoder: EncoderId; readonly seats: number }[];
  /** Selected element indices an item and mask; null without a tokenizer. */
  readonly masks: readonly (readonly (readonly number[])[])[] | null;
  readonly result: EvaluationResult;
  readonly evaluation: JobEvaluation;
  /** Final vectors, an item each; null where nobody qualified. */
  readonly finals: readonly (Int16Array | null)[];
  /** Null when the job closed by the majority of evaluations posted singly (GAME-9). */
  readonly signers: ProofSigners | null;
  readonly outcome: JobOutcome;
  readonly fee: Amount;
  readonly tip: Amount;
  /** To the winner; 0 if there is none. */
  readonly paid: Amount;
}

/**
 * Verifies a receipt from the genesis file alone. Pure and total: no network, no clock, any bytes. A refusal's code is
 * one of `RECEIPT_STAGES` and names the first stage that failed.
 */
export function verifyReceipt(
  bytes: Uint8Array,
  genesis: Genesis,
  { verifier, tokenise }: ReceiptDeps,
): Result<VerifiedReceipt> {
  const decoded = decodeReceipt(bytes);
  if (!decoded.ok) return decoded;
  const { items, reveals } = decoded.value;
  const ledger = verifyLedger(decoded.value, genesis, verifier);
  if (!ledger.ok) return ledger;
  const { facts } = ledger.value;
  const paid = verifyPayment(ledger.value, genesis, verifier);
  if (!paid.ok) return paid;
  const dataHash = verifyData(paid.value, items);
  if (!dataHash.ok) return dataHash;
  const draw = verifyDraw(ledger.value, paid.value);
  if (!draw.ok) return draw;
  const { shard, beacon } = draw.value;
  const selection = verifySelection(facts.selection, paid.value, shard, dataHash.value, verifier);
  if (!selection.ok) return selection;
  const bundle = verifyReveals(facts.bundle, reveals, paid.value, selection.value, shard.attempt, verifier);
  if (!bundle.ok) return bundle;
  const drawn = tokenise === undefined ? ok(null) : verifyMasks(paid.value, items, beacon, tokenise);
  if (!drawn.ok) return drawn;
  const masks = drawn.value;
  const counts =
    masks === null
      ? masksOfWinner(facts.close, reveals, paid.value)
      : ok(masks.map((ofItem) => ofItem.length));
  if (!counts.ok) return counts;
  const evaluated = verifyEvaluation({
    paid: paid.value,
    selection: selection.value,
    bundle: bundle.value,
    beacon,
    meanNormSquared: genesis.anchors.meanNormSquared,
    masksOfItem: counts.value,
    reveals,
  });
  if (!evaluated.ok) return evaluated;
  const bundledAt = facts.bundle.fact.commit;
  const signers = verifyProof(facts.close, evaluated.value, paid.value, selection.value, bundledAt, verifier);
  if (!signers.ok) return signers;
  const outcome = verifyOutcome(facts.close, evaluated.value, paid.value);
  if (!outcome.ok) return outcome;
  return ok({
    chainId: genesis.chainId,
    genesis: decoded.value.genesis,
    handovers: ledger.value.handovers,
    checkpoints: ledger.value.checkpoints,
    job: paid.value.job,
    payer: paid.value.payer,
    epoch: paid.value.epoch.epoch,
    commits: {
      paid: facts.payment.fact.commit,
      drawn: facts.draw.fact.commit,
      selected: facts.selection.fact.commit,
      bundled: bundledAt,
      closed: facts.close.fact.commit,
    },
    modality: paid.value.modality,
    items,
    dataHash: dataHash.value,
    attempt: shard.attempt,
    seats: { drawn: shard.seats.length, quorum: shard.quorum, selected: selection.value.seats },
    selected: selection.value.selected.map(({ encoder, seats }) => ({ encoder, seats })),
    masks,
    result: evaluated.value.result,
    evaluation: evaluated.value.evaluation,
    finals: evaluated.value.evaluation.finals,
    signers: signers.value,
    outcome: outcome.value.outcome,
    fee: paid.value.fee,
    tip: paid.value.tip,
    paid: outcome.value.paid,
  });
}
