import { concatBytes, fromHex, toHex } from "@soma/base";
import { bcs, bytes32, encode, u32 } from "@soma/codec";
import { domain, taggedHash } from "@soma/crypto";
import type { Address, Digest } from "./ids.ts";

// The messages of one embedding job (GAME). Each is signed by its author under its own domain tag; what
// the ledger must be able to check carries all that the check needs.

/** H("soma.data", data hash, sender) of GAME-1. */
export function dataCommitment(chainId: string, dataHash: Digest, sender: Address): Digest {
  return toHex(taggedHash("soma.data", chainId, fromHex(dataHash), fromHex(sender)));
}

export const OfferCodec = bcs.struct("Offer", {
  job: bytes32,
  attempt: u32,
  /** Merkle root over the items (MERKLE-1, leaf = the item's bytes). */
  dataHash: bytes32,
});
/** GAME-2: the submitter shows a seat holder what to embed; signed by the session key. */
export type Offer = typeof OfferCodec.$inferType;

export const OptOutReasonCodec = bcs.enum("OptOutReason", {
  HashMismatch: null,
  SizeMismatch: null,
  Undecodable: null,
  Unavailable: null,
});

const signature = bcs.bytes(64);

export const JobReceiptCodec = bcs.struct("JobReceipt", {
  job: bytes32,
  attempt: u32,
  encoder: bytes32,
  dataHash: bytes32,
});
/** GAME-2: the seat holder has seen the offer and owes a commit or an opt-out. */
export type JobReceipt = typeof JobReceiptCodec.$inferType;
export const SignedReceiptCodec = bcs.struct("SignedReceipt", { receipt: JobReceiptCodec, signature });
export type SignedReceipt = typeof SignedReceiptCodec.$inferType;

export const CommitMessageCodec = bcs.struct("CommitMessage", {
  job: bytes32,
  attempt: u32,
  encoder: bytes32,
  /** `commitHash` of the encoder's embedding digest. */
  commitHash: bytes32,
  /** Milliseconds from receipt to commit by the encoder's own clock; informative only. */
  elapsedMs: u32,
});
export type CommitMessage = typeof CommitMessageCodec.$inferType;
/** GAME-3. */
export const SignedCommitCodec = bcs.struct("SignedCommit", { commit: CommitMessageCodec, signature });
export type SignedCommit = typeof SignedCommitCodec.$inferType;

export const OptOutCodec = bcs.struct("OptOut", {
  job: bytes32,
  attempt: u32,
  encoder: bytes32,
  reason: OptOutReasonCodec,
});
export const SignedOptOutCodec = bcs.struct("SignedOptOut", { optOut: OptOutCodec, signature });
export type SignedOptOut = typeof SignedOptOutCodec.$inferType;

export const RevealCodec = bcs.struct("Reveal", {
  job: bytes32,
  attempt: u32,
  encoder: bytes32,
  /** `embeddingDigest` of the revealed vectors. */
  embeddingDigest: bytes32,
});
/** GAME-5: the vectors travel as a blob named by `embeddingDigest`; this header is what the ledger can check. */
export type Reveal = typeof RevealCodec.$inferType;
export const SignedRevealCodec = bcs.struct("SignedReveal", { reveal: RevealCodec, signature });
export type SignedReveal = typeof SignedRevealCodec.$inferType;

export const EvaluationMessageCodec = bcs.struct("EvaluationMessage", {
  job: bytes32,
  encoder: bytes32,
  /** `evaluationDigest` of the result that is signed. */
  evaluation: bytes32,
});
export const SignedEvaluationCodec = bcs.struct("SignedEvaluation", {
  message: EvaluationMessageCodec,
  /** BLS over `evaluationSigningBytes` of the result. */
  blsSignature: bcs.bytes(96),
});
export type SignedEvaluation = typeof SignedEvaluationCodec.$inferType;

export const UnavailableCodec = bcs.struct("Unavailable", {
  job: bytes32,
  attempt: u32,
  encoder: bytes32,
  /** The encoder whose vectors nobody serves. */
  missing: bytes32,
});
/** GAME-7: a chosen encoder cannot evaluate, because the vectors of `missing` cannot be had (ADR 0002). */
export type Unavailable = typeof UnavailableCodec.$inferType;
export const SignedUnavailableCodec = bcs.struct("SignedUnavailable", {
  unavailable: UnavailableCodec,
  signature,
});
export type SignedUnavailable = typeof SignedUnavailableCodec.$inferType;

export const ItemEmbeddingCodec = bcs.struct("ItemEmbedding", {
  /** int16 little endian, 2 x dimension bytes each. */
  full: bcs.byteVector(),
  masks: bcs.vector(bcs.byteVector()),
  inverses: bcs.vector(bcs.byteVector()),
});
export const EmbeddingBlobCodec = bcs.struct("EmbeddingBlob", {
  job: bytes32,
  encoder: bytes32,
  dimension: u32,
  items: bcs.vector(ItemEmbeddingCodec),
});
/** All vectors of one encoder for one job: [full, mask 1..K, inverse 1..K] an item (GAME-3). */
export type EmbeddingBlob = typeof EmbeddingBlobCodec.$inferType;

/** Digest of the vectors' bytes as sent. Holds job and encoder, so that no other encoder can reuse it. */
export function embeddingDigest(chainId: string, blobBytes: Uint8Array): Digest {
  return toHex(taggedHash("soma.embedding", chainId, blobBytes));
}

/**
 * GAME-3's commit: H(encoder, job, digest of the embedding bytes). Hashing the digest rather than the bytes
 * lets the ledger check a reveal against its commit without carrying the vectors.
 */
export function commitHash(chainId: string, encoder: Address, job: Digest, digest: Digest): Digest {
  return toHex(taggedHash("soma.commit-hash", chainId, fromHex(encoder), fromHex(job), fromHex(digest)));
}

export const SelectionCodec = bcs.struct("Selection", {
  job: bytes32,
  attempt: u32,
  dataHash: bytes32,
  commits: bcs.vector(SignedCommitCodec),
});
export type Selection = typeof SelectionCodec.$inferType;

export const BundleCodec = bcs.struct("Bundle", { job: bytes32, reveals: bcs.vector(SignedRevealCodec) });
export type Bundle = typeof BundleCodec.$inferType;

const tags = {
  offer: "soma.offer",
  receipt: "soma.receipt",
  commit: "soma.job-commit",
  optOut: "soma.opt-out",
  reveal: "soma.reveal",
  selection: "soma.selection",
  bundle: "soma.bundle",
  unavailable: "soma.unavailable",
} as const;

const codecs = {
  offer: OfferCodec,
  receipt: JobReceiptCodec,
  commit: CommitMessageCodec,
  optOut: OptOutCodec,
  reveal: RevealCodec,
  selection: SelectionCodec,
  bundle: BundleCodec,
  unavailable: UnavailableCodec,
} as const;

type JobMessageName = keyof typeof codecs;

/** Bytes to sign for a job message: the domain of its kind, then its encoding. */
export function jobSigningBytes<N extends JobMessageName>(
  chainId: string,
  name: N,
  message: (typeof codecs)[N]["$inferInput"],
): Uint8Array {
  return concatBytes(domain(tags[name], chainId), codecs[name].serialize(message as never).toBytes());
}

/** Digest that names a selection in the evaluation and on the ledger. */
export function selectionDigest(chainId: string, selection: Selection): Digest {
  return toHex(taggedHash("soma.selection.id", chainId, encode(SelectionCodec, selection)));
}

export const EvaluatedSetCodec = bcs.struct("EvaluatedSet", {
  job: bytes32,
  entries: bcs.vector(bcs.struct("EvaluatedEntry", { encoder: bytes32, embeddingDigest: bytes32 })),
});
/**
 * Digest of the set that is evaluated, whether the bundle fixed it or GAME-6's fallback: (encoder,
 * embedding digest), ascending by encoder.
 */
export function evaluatedSetDigest(chainId: string, set: typeof EvaluatedSetCodec.$inferInput): Digest {
  return toHex(taggedHash("soma.evaluated-set", chainId, encode(EvaluatedSetCodec, set)));
}
