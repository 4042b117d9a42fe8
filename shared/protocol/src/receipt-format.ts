import { err, ok, type Result, utf8 } from "@soma/base";
import { bcs, byteString, bytes32, decodeExact, encode, u16, u32 } from "@soma/codec";
import { CertifiedCheckpointCodec } from "./checkpoint.ts";
import { EpochInfoCodec } from "./epoch.ts";
import { SignedRevealCodec } from "./job-messages.ts";
import { LeafProofCodec } from "./light-client-fact.ts";

/** File name extension of a receipt. */
export const RECEIPT_EXTENSION = ".soma-receipt";

/** First bytes of every receipt. */
export const RECEIPT_MAGIC = utf8("SOMARCPT");
export const RECEIPT_VERSION = 1;

/** Largest receipt that is read. A full job of 1024 items by 29 encoders at dimension 256 fits. */
export const MAX_RECEIPT_BYTES = 256 * 1024 * 1024;

/** A step from one committee or checkpoint to the next. */
export const ReceiptLinkCodec = bcs.struct("ReceiptLink", {
  certificate: CertifiedCheckpointCodec,
  /** The next epoch, exactly if the checkpoint names one. */
  nextEpoch: bcs.option(EpochInfoCodec),
});
export type ReceiptLink = typeof ReceiptLinkCodec.$inferType;

export const ReceiptFactCodec = bcs.struct("ReceiptFact", {
  /** Place in `chain` of the checkpoint that holds the leaf. */
  link: u32,
  proof: LeafProofCodec,
});
export type ReceiptFact = typeof ReceiptFactCodec.$inferType;

export const ReceiptRevealCodec = bcs.struct("ReceiptReveal", {
  reveal: SignedRevealCodec,
  /** BCS of `EmbeddingBlob`, as hashed by the reveal. */
  blob: byteString,
});
export type ReceiptReveal = typeof ReceiptRevealCodec.$inferType;

export const ReceiptCodec = bcs.struct("Receipt", {
  magic: bcs.bytes(8),
  version: u16,
  genesis: bytes32,
  /** Ascending: every epoch's last checkpoint up to the last fact's epoch, and those that hold a fact; no other. */
  chain: bcs.vector(ReceiptLinkCodec),
  /** The executed GenerateEmbeddings. */
  payment: ReceiptFactCodec,
  /** The commit whose beacon drew the shard. */
  draw: ReceiptFactCodec,
  /** The executed SelectCommits. */
  selection: ReceiptFactCodec,
  /** What fixed the evaluated set: the executed PostBundle, or the deadline of GAME-6. */
  bundle: ReceiptFactCodec,
  /** The executed FinalProof. */
  close: ReceiptFactCodec,
  /** The evaluated set with its vectors, ascending by encoder. */
  reveals: bcs.vector(ReceiptRevealCodec),
  /** The data, item by item. */
  items: bcs.vector(byteString),
});
/**
 * Everything that proves one job's outcome to somebody who has only the genesis file, and nothing that is not
 * checked: `verifyReceipt` refuses a receipt of which any field was changed.
 */
export type Receipt = typeof ReceiptCodec.$inferType;

/** What `encodeReceipt` is given: a receipt without its fixed first fields. */
export type ReceiptContent = Omit<Receipt, "magic" | "version">;

/** The bytes of a receipt file. */
export function encodeReceipt(content: ReceiptContent): Uint8Array {
  return encode(ReceiptCodec, { magic: RECEIPT_MAGIC, version: RECEIPT_VERSION, ...content });
}

/** Refuses with RECEIPT_FORMAT what is no receipt of this version, too large, or not canonical. */
export function decodeReceipt(bytes: Uint8Array): Result<Receipt> {
  if (!RECEIPT_MAGIC.every((byte, i) => bytes[i] === byte)) {
    return err(
      "RECEIPT_FORMAT",
      `this is not a receipt file: its ${bytes.length} bytes do not begin as a receipt does`,
    );
  }
  const version = bytes[8]! | (bytes[9]! << 8);
  if (version !== RECEIPT_VERSION) {
    return err("RECEIPT_FORMAT", `version ${version} of the format, not ${RECEIPT_VERSION}`);
  }
  const decoded = decodeExact(ReceiptCodec, bytes, MAX_RECEIPT_BYTES);
  return decoded.ok ? ok(decoded.value) : err("RECEIPT_FORMAT", `${decoded.code}: ${decoded.message}`);
}
