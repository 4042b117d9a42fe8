import type {
  Digest,
  EncoderId,
  EpochInfo,
  EvaluationResult,
  Hex32,
  JobId,
  RelayedJobMessage,
  VerifiedFacts,
} from "@soma/protocol";

/** What the data at the offer's address turned out to be (GAME-2). */
export type FetchOutcome =
  | "ok"
  /** Not the items of the data hash, or no list of items at all. */
  | "HashMismatch"
  /** The right items, but not as many, or not as large, as was paid for. */
  | "SizeMismatch"
  /** The right items, which no encoder of the modality can read. */
  | "Undecodable"
  | "Unavailable";

/** What happens to an encoder. */
export type EncoderInput =
  /** Facts of one part of a checkpoint's update, proven by the light client. */
  | { readonly kind: "ledger"; readonly facts: VerifiedFacts }
  /** An epoch that the light client knows; before the first facts of it. */
  | { readonly kind: "epoch"; readonly info: EpochInfo }
  /** A job message that peering verified to be from `sender`. */
  | {
      readonly kind: "message";
      readonly sender: Hex32;
      readonly relayed: RelayedJobMessage;
      /** Milliseconds of this operator's clock. */
      readonly at: number;
    }
  | {
      readonly kind: "items-fetched";
      readonly job: JobId;
      readonly attempt: number;
      /** The blob that was asked for. */
      readonly data: Hex32;
      readonly outcome: FetchOutcome;
    }
  /** The attempt's embedding blob is at hand and will be kept. */
  | {
      readonly kind: "embedded";
      readonly job: JobId;
      readonly attempt: number;
      /** SHA-256 of the blob. */
      readonly vectors: Hex32;
      readonly embeddingDigest: Digest;
      readonly masksOfItem: readonly number[];
      readonly at: number;
    }
  | {
      readonly kind: "inference-failed";
      readonly job: JobId;
      readonly attempt: number;
      /** False when the model or the machine failed, which may pass. */
      readonly isDataAtFault: boolean;
    }
  | { readonly kind: "evaluated"; readonly job: JobId; readonly result: EvaluationResult }
  | {
      readonly kind: "evaluation-failed";
      readonly job: JobId;
      readonly bundle: Digest;
      readonly missing: readonly EncoderId[];
    }
  /** After a restart: whatever is owed goes out again. */
  | { readonly kind: "resumed" };
