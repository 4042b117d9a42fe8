import type {
  Digest,
  EncoderId,
  EvaluationResult,
  Hex32,
  JobId,
  JobMessageInput,
  TransactionKindInput,
} from "@soma/protocol";
import type { Post } from "./job.ts";

/** One encoder of the evaluated set, with where its vectors are. */
export interface RevealToEvaluate {
  readonly encoder: EncoderId;
  readonly embeddingDigest: Digest;
  /** SHA-256 of its blob. */
  readonly vectors: Hex32;
}

/** What an encoder asks its shell to do. The step's state is durable before any of them leaves. */
export type EncoderEffect =
  /** To other operators by their peering: a mailbox's validator or a chosen encoder. */
  | {
      readonly kind: "send";
      readonly job: JobId;
      /** Validators that hold the submitter's mailbox, the latest last; each gets the message as its own. */
      readonly mailboxes: readonly Hex32[];
      /** Chosen encoders that get it too. */
      readonly peers: readonly Hex32[];
      readonly message: JobMessageInput;
    }
  | {
      readonly kind: "fetch-items";
      readonly job: JobId;
      readonly attempt: number;
      readonly data: Hex32;
      readonly dataHash: Digest;
      readonly sizeBytes: bigint;
      readonly items: number;
      readonly modality: number;
    }
  | {
      readonly kind: "request-inference";
      readonly job: JobId;
      readonly attempt: number;
      readonly ask: number;
      readonly data: Hex32;
      readonly modality: number;
      /** The block that seeds masks (MASK-2). */
      readonly lastBlock: Digest;
      readonly beacon: Digest;
    }
  /** Keep the vectors of the `embedded` input with this step's state: they are what was committed to. */
  | { readonly kind: "keep-vectors"; readonly job: JobId; readonly vectors: Hex32 }
  /** Put the kept vectors where peers fetch them. */
  | { readonly kind: "publish-vectors"; readonly job: JobId; readonly vectors: Hex32 }
  /** Fetch a peer's vectors before they are to be evaluated; nothing waits for it or depends on it. */
  | {
      readonly kind: "fetch-vectors";
      readonly job: JobId;
      readonly vectors: Hex32;
      readonly masksOfItem: readonly number[];
    }
  | {
      readonly kind: "request-evaluation";
      readonly job: JobId;
      readonly ask: number;
      readonly selection: Digest;
      readonly bundle: Digest;
      readonly beacon: Digest;
      readonly masksOfItem: readonly number[];
      readonly reveals: readonly RevealToEvaluate[];
      /** The selection's encoders in its order (SCORE-1's latency). */
      readonly selected: readonly EncoderId[];
    }
  /** Keep the final vectors of the `evaluated` input with this step's state. */
  | { readonly kind: "keep-finals"; readonly job: JobId }
  | {
      readonly kind: "submit";
      readonly job: JobId;
      readonly post: Exclude<Post, "FinalProof">;
      readonly transaction: TransactionKindInput;
    }
  /** GAME-8; the shell adds the kept final vectors. */
  | {
      readonly kind: "submit-final-proof";
      readonly job: JobId;
      readonly result: EvaluationResult;
      readonly signers: Uint8Array;
      readonly aggregateSignature: Uint8Array;
    }
  /** A milestone for the log and the metrics. */
  | { readonly kind: "note"; readonly job: JobId; readonly milestone: Milestone }
  /** What must not happen, for a person to look at. */
  | { readonly kind: "alarm"; readonly job: JobId; readonly code: string }
  /** Nothing more can come: the job and what was kept for it may go. */
  | { readonly kind: "forget"; readonly job: JobId };

export type Milestone =
  | "offered"
  | "committed"
  | "opted-out"
  | "revealed"
  | "evaluated"
  | "proved"
  | "settled"
  | "closed";
