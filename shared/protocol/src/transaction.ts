import { concatBytes, ok, type Result, toHex } from "@soma/base";
import { BcsType, bcs, byteString, bytes32, decodeExact, encode, u16, u32, u64 } from "@soma/codec";
import { domain, taggedHash } from "@soma/crypto";
import { AuthenticatorCodec } from "./account.ts";
import { BLOCK_LIMITS } from "./block.ts";
import { EvaluationResultCodec } from "./evaluation-result.ts";
import type { Digest } from "./ids.ts";
import {
  SignedCommitCodec,
  SignedEvaluationCodec,
  SignedOptOutCodec,
  SignedReceiptCodec,
  SignedRevealCodec,
  SignedUnavailableCodec,
} from "./job-messages.ts";

/** What a stake or commission refers to. */
export const OperatorRoleCodec = bcs.enum("OperatorRole", { Validator: null, Encoder: null });

export const AskCodec = bcs.struct("Ask", { modality: bcs.u8(), pricePerByte: u64, tokenizer: bytes32 });
/** An encoder's price for a modality, in base units a byte (ECON-4), with the tokenizer it runs (MASK-1). */
export type Ask = typeof AskCodec.$inferType;

/** LEDGER-2. Order is wire format: append only. */
export const TransactionKindCodec = bcs.enum("TransactionKind", {
  Transfer: bcs.struct("Transfer", { to: bytes32, amount: u64 }),
  RegisterValidator: bcs.struct("RegisterValidator", {
    blockKey: bcs.bytes(32),
    blsKey: bcs.bytes(48),
    blsPossession: bcs.bytes(96),
    vrfKey: bcs.bytes(32),
    /** Host:port of the edge where peers connect. */
    edgeAddress: bcs.string(),
    /** Base URL of the gateway, where blobs are fetched by hash. */
    gatewayAddress: bcs.string(),
    commissionBps: u16,
  }),
  UnregisterValidator: null,
  RegisterEncoder: bcs.struct("RegisterEncoder", {
    /** Ed25519: receipts, commits, reveals, opt-outs, envelopes. */
    messageKey: bcs.bytes(32),
    blsKey: bcs.bytes(48),
    blsPossession: bcs.bytes(96),
    asks: bcs.vector(AskCodec),
    commissionBps: u16,
  }),
  UnregisterEncoder: null,
  SetAsk: bcs.struct("SetAsk", { ask: AskCodec }),
  SetCommission: bcs.struct("SetCommission", { role: OperatorRoleCodec, commissionBps: u16 }),
  Delegate: bcs.struct("Delegate", { role: OperatorRoleCodec, operator: bytes32, amount: u64 }),
  Undelegate: bcs.struct("Undelegate", { role: OperatorRoleCodec, operator: bytes32, amount: u64 }),
  /** GAME-1. */
  GenerateEmbeddings: bcs.struct("GenerateEmbeddings", {
    modality: bcs.u8(),
    /** H("soma.data", data hash, sender): hides the data hash until seat holders see it. */
    dataCommitment: bytes32,
    sizeBytes: u64,
    items: u32,
    /** Ed25519 key that signs the job's messages for the submitter. */
    sessionKey: bcs.bytes(32),
    /** Refused if the epoch's price a byte is higher. */
    maxPricePerByte: u64,
    /** To the winner, beside the fee. */
    jobTip: u64,
  }),
  /** GAME-4. */
  SelectCommits: bcs.struct("SelectCommits", {
    job: bytes32,
    attempt: u32,
    dataHash: bytes32,
    commits: bcs.vector(SignedCommitCodec),
    sessionSignature: bcs.bytes(64),
  }),
  /** GAME-9, submitter gone: a commit, with the submitter's signed offer as proof that it asked. */
  PostCommit: bcs.struct("PostCommit", {
    commit: SignedCommitCodec,
    dataHash: bytes32,
    offerSignature: bcs.bytes(64),
  }),
  /** GAME-2: a signed opt-out, by anyone. */
  PostOptOut: bcs.struct("PostOptOut", { optOut: SignedOptOutCodec }),
  /** GAME-6: the ordered reveals that will be evaluated. */
  PostBundle: bcs.struct("PostBundle", {
    job: bytes32,
    reveals: bcs.vector(SignedRevealCodec),
    sessionSignature: bcs.bytes(64),
  }),
  /** GAME-6 fallback, and an encoder's defence against a bundle that leaves it out. */
  PostReveal: bcs.struct("PostReveal", { reveal: SignedRevealCodec }),
  /** GAME-9: one encoder's evaluation, when no quorum signature came. */
  PostEvaluation: bcs.struct("PostEvaluation", {
    evaluation: SignedEvaluationCodec,
    result: EvaluationResultCodec,
  }),
  /** GAME-8. */
  FinalProof: bcs.struct("FinalProof", {
    result: EvaluationResultCodec,
    /** Final vectors of all items in order, int16 little endian. */
    finals: byteString,
    /** Bit i (lowest bit of the first byte first) set if the i-th selected commit's encoder signed. */
    signers: byteString,
    aggregateSignature: bcs.bytes(96),
  }),
  /** CONS-13: the signed headers of two different blocks of one slot. */
  SubmitEquivocation: bcs.struct("SubmitEquivocation", { first: byteString, second: byteString }),
  /** GAME-4: a seat holder's signed receipt, evidence that it owed a commit and was not chosen. */
  PostReceipt: bcs.struct("PostReceipt", { receipt: SignedReceiptCodec }),
  /** ADR 0002: a chosen encoder cannot have somebody's vectors. */
  PostUnavailable: bcs.struct("PostUnavailable", { unavailable: SignedUnavailableCodec }),
  /** ECON-7: a vote of the committee that stands until it is withdrawn or its voter loses the seat. */
  VoteSlash: bcs.struct("VoteSlash", { validator: bytes32 }),
  WithdrawSlashVote: bcs.struct("WithdrawSlashVote", { validator: bytes32 }),
  /** CONS-13: two different checkpoints of one place, each with an aggregate of some of the committee: `CertifiedCheckpoint`s. */
  SubmitCheckpointFork: bcs.struct("SubmitCheckpointFork", { first: byteString, second: byteString }),
});
export type TransactionKind = typeof TransactionKindCodec.$inferType;
export type TransactionKindInput = typeof TransactionKindCodec.$inferInput;

export const TransactionCodec = bcs.struct("Transaction", {
  chainId: bcs.string(),
  sender: bytes32,
  /** The account's next sequence number: exactly once by (sender, sequence) (LEDGER-1). */
  sequence: u64,
  /** Last epoch in which it may execute. */
  expiryEpoch: u64,
  /** To the author of the block that carries it, beside the base fee. */
  tip: u64,
  kind: TransactionKindCodec,
});
export type Transaction = typeof TransactionCodec.$inferType;
export type TransactionInput = typeof TransactionCodec.$inferInput;

export const SignedTransactionCodec = bcs.struct("SignedTransaction", {
  transaction: TransactionCodec,
  authenticator: AuthenticatorCodec,
});
export type SignedTransaction = typeof SignedTransactionCodec.$inferType;
export type SignedTransactionInput = typeof SignedTransactionCodec.$inferInput;

export const MAX_TRANSACTION_BYTES = BLOCK_LIMITS.transactionBytes;

/** Bytes that the account signs: domain "soma.tx", then the transaction. */
export function transactionSigningBytes(chainId: string, transaction: TransactionInput): Uint8Array {
  return concatBytes(domain("soma.tx", chainId), encode(TransactionCodec, transaction));
}

/** Id of a transaction: H over the signed bytes as received. */
export function transactionDigest(chainId: string, signedBytes: Uint8Array): Digest {
  return toHex(taggedHash("soma.tx.id", chainId, signedBytes));
}

export function encodeSignedTransaction(transaction: SignedTransactionInput): Uint8Array {
  return encode(SignedTransactionCodec, transaction);
}

/** Decodes and checks canonical form and size only; the ledger checks the rest. */
export function decodeSignedTransaction(bytes: Uint8Array): Result<SignedTransaction> {
  return decodeExact(SignedTransactionCodec, bytes, MAX_TRANSACTION_BYTES);
}

/** A signed transaction with the number of its bytes that are the transaction alone: the first ones. */
const OpenedCodec = new BcsType<{ signed: SignedTransaction; length: number }>({
  name: SignedTransactionCodec.name,
  read(reader) {
    const whole = reader.left;
    const transaction = TransactionCodec.read(reader);
    const length = whole - reader.left;
    return { signed: { transaction, authenticator: AuthenticatorCodec.read(reader) }, length };
  },
  write: ({ signed }, writer) => SignedTransactionCodec.write(signed, writer),
});

/** `decodeSignedTransaction` with `transactionSigningBytes`, which stand in the bytes as they came. */
export function openSignedTransaction(
  bytes: Uint8Array,
): Result<{ readonly signed: SignedTransaction; readonly signingBytes: Uint8Array }> {
  const opened = decodeExact(OpenedCodec, bytes, MAX_TRANSACTION_BYTES);
  if (!opened.ok) return opened;
  const { signed, length } = opened.value;
  return ok({
    signed,
    signingBytes: concatBytes(domain("soma.tx", signed.transaction.chainId), bytes.subarray(0, length)),
  });
}
