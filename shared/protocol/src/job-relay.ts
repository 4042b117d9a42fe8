import type { Result } from "@soma/base";
import { bcs, bytes32, decodeExact, encode } from "@soma/codec";
import {
  OfferCodec,
  SignedCommitCodec,
  SignedEvaluationCodec,
  SignedOptOutCodec,
  SignedReceiptCodec,
  SignedRevealCodec,
} from "./job-messages.ts";

/** What travels between a job's submitter and its shard, and among the shard: relayed by anybody, forged by nobody. */
export const JobMessageCodec = bcs.enum("JobMessage", {
  /** Submitter to a seat holder (GAME-2). `data` is the SHA-256 of the items' blob. */
  Offer: bcs.struct("OfferMessage", { offer: OfferCodec, data: bytes32, sessionSignature: bcs.bytes(64) }),
  Receipt: SignedReceiptCodec,
  Commit: SignedCommitCodec,
  OptOut: SignedOptOutCodec,
  /** `vectors` is the SHA-256 of the embedding blob whose tagged digest the reveal signs. */
  Reveal: bcs.struct("RevealMessage", { reveal: SignedRevealCodec, vectors: bytes32 }),
  Evaluation: SignedEvaluationCodec,
});
export type JobMessage = typeof JobMessageCodec.$inferType;
export type JobMessageInput = typeof JobMessageCodec.$inferInput;

export const RelayedJobMessageCodec = bcs.struct("RelayedJobMessage", {
  job: bytes32,
  /** The validator whose gateway holds the submitter's mailbox: where a seat holder answers. */
  mailbox: bytes32,
  message: JobMessageCodec,
});
/** The body of a `job-message` envelope. */
export type RelayedJobMessage = typeof RelayedJobMessageCodec.$inferType;
export type RelayedJobMessageInput = typeof RelayedJobMessageCodec.$inferInput;

/** Largest relayed job message: its parts are of fixed size. */
export const MAX_JOB_MESSAGE_BYTES = 4096;

export function encodeJobMessage(message: RelayedJobMessageInput): Uint8Array {
  return encode(RelayedJobMessageCodec, message);
}

export function decodeJobMessage(bytes: Uint8Array): Result<RelayedJobMessage> {
  return decodeExact(RelayedJobMessageCodec, bytes, MAX_JOB_MESSAGE_BYTES);
}

const ItemsCodec = bcs.vector(bcs.byteVector());

/** Largest blob of items: bounds what a seat holder downloads for one job. */
export const MAX_ITEMS_BYTES = 16 * 1024 * 1024;

/** A job's items as one blob, in order; the job's data hash is the Merkle root over the items themselves. */
export function encodeItems(items: readonly Uint8Array[]): Uint8Array {
  return encode(ItemsCodec, [...items]);
}

export function decodeItems(bytes: Uint8Array): Result<Uint8Array[]> {
  return decodeExact(ItemsCodec, bytes, MAX_ITEMS_BYTES);
}
