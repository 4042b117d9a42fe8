import { bcs, bytes32, u32, u64 } from "@soma/codec";
import {
  type EncoderId,
  EvaluationResultCodec,
  SignedCommitCodec,
  SignedOptOutCodec,
  SignedRevealCodec,
} from "@soma/protocol";

/** Where the ledger is with a job. */
export const PHASES = ["paid", "drawn", "selected", "bundled", "closed"] as const;
export type Phase = (typeof PHASES)[number];

/** Where this encoder is with the attempt's data. `committed` and `opted-out` are final: it never does the other. */
export const STAGES = ["waiting", "fetching", "embedding", "committed", "opted-out"] as const;
export type Stage = (typeof STAGES)[number];

function nameCodec<const N extends readonly string[]>(names: N) {
  return bcs.u8().transform({
    input: (name: N[number]) => names.indexOf(name),
    output: (number): N[number] => {
      const name = names[number];
      if (name === undefined) throw new RangeError(`no name ${number}`);
      return name;
    },
  });
}

/** Reasons to opt out that may pass: another offer or another gateway may bring the data (GAME-2). */
export const FAULTS = ["HashMismatch", "Unavailable"] as const;
export type Fault = (typeof FAULTS)[number];

/** Transactions that an encoder sends about a job, each until the ledger shows it. */
export const POSTS = [
  "PostOptOut",
  "PostCommit",
  "PostReveal",
  "PostEvaluation",
  "PostUnavailable",
  "FinalProof",
] as const;
export type Post = (typeof POSTS)[number];

const OfferCodec = bcs.struct("AcceptedOffer", {
  dataHash: bytes32,
  /** SHA-256 of the items' blob, as the last offer named it; nobody signed it. */
  data: bytes32,
  sessionSignature: bcs.bytes(64),
  receiptSignature: bcs.bytes(64),
  /** Milliseconds of this operator's clock when the offer came. */
  receivedAt: u64,
});

const OwnCodec = bcs.struct("OwnEmbeddings", {
  /** SHA-256 of the embedding blob. */
  vectors: bytes32,
  /** Masks of each item: what every reveal of this job must have. */
  masksOfItem: bcs.vector(u32),
  commit: SignedCommitCodec,
  /** Signed with the commit, sent only once the selection is on the ledger (GAME-5). */
  reveal: SignedRevealCodec,
});

const ChosenCodec = bcs.struct("ChosenEncoder", {
  encoder: bytes32,
  seats: u32,
  commitHash: bytes32,
  /** Embedding digest of the reveal that the ledger holds. */
  revealed: bcs.option(bytes32),
  mismatched: bcs.bool(),
  evaluated: bcs.bool(),
  /** SHA-256 of its blob, from its own reveal message. */
  vectors: bcs.option(bytes32),
});
/** One encoder of the selection, in the selection's order. */
export type Chosen = typeof ChosenCodec.$inferType;

const PartialCodec = bcs.struct("PartialSignature", {
  encoder: bytes32,
  evaluation: bytes32,
  blsSignature: bcs.bytes(96),
});
/** One encoder's signature under its evaluation (GAME-7). */
export type PartialSignature = typeof PartialCodec.$inferType;

export const EncoderJobCodec = bcs.struct("EncoderJob", {
  id: bytes32,
  payer: bytes32,
  sessionKey: bytes32,
  modality: bcs.u8(),
  items: u32,
  sizeBytes: u64,
  dataCommitment: bytes32,
  /** The epoch whose roster, keys and mask block hold (GAME-1). */
  epoch: u64,
  paidAt: u64,
  phase: nameCodec(PHASES),
  attempt: u32,
  /** The commit whose beacon draws this attempt's shard; 0 before the ledger says that it was drawn. */
  drawnAt: u64,
  /** Null until that commit's beacon is proven. */
  beacon: bcs.option(bytes32),
  shard: bcs.vector(bcs.struct("ShardMember", { encoder: bytes32, seats: u32 })),
  stage: nameCodec(STAGES),
  offer: bcs.option(OfferCodec),
  /** Validators that hold the submitter's mailbox. */
  mailboxes: bcs.vector(bytes32),
  fault: bcs.option(nameCodec(FAULTS)),
  own: bcs.option(OwnCodec),
  optOut: bcs.option(SignedOptOutCodec),
  selection: bcs.option(bytes32),
  selectedAt: u64,
  chosen: bcs.vector(ChosenCodec),
  evaluatedSet: bcs.option(bytes32),
  bundledAt: u64,
  evaluation: bcs.option(
    bcs.struct("OwnEvaluation", {
      result: EvaluationResultCodec,
      digest: bytes32,
      blsSignature: bcs.bytes(96),
    }),
  ),
  partials: bcs.vector(PartialCodec),
  /** Encoders whose signature under our evaluation did not verify: not asked again. */
  badPartials: bcs.vector(bytes32),
  /** The commit at which signatures of more than two thirds were at hand; 0 before. */
  quorumAt: u64,
  /** Encoders whose vectors the scorers could not get at the last try. */
  missing: bcs.vector(bytes32),
  /** The ledger counts this encoder as having answered (GAME-8). */
  answered: bcs.bool(),
  /** Evaluated encoders that the final proof does not count: they still need what they evaluate. */
  unanswered: bcs.vector(bytes32),
  /** How often inference or evaluation was asked for; names each question anew. */
  asks: u32,
  /** What is owed is sent again at this commit, and how often that was done in this stage. */
  remindAt: u64,
  reminders: u32,
  posts: bcs.vector(
    bcs.struct("SentPost", { post: nameCodec(POSTS), at: u64, times: u32, seen: bcs.bool() }),
  ),
});
/** A job as one encoder follows it. Immutable: every step makes a new one. */
export type EncoderJob = typeof EncoderJobCodec.$inferType;

export function seatsOf(members: readonly { readonly seats: number }[]): number {
  let seats = 0;
  for (const member of members) seats += member.seats;
  return seats;
}

export function chosenOf(job: EncoderJob, encoder: EncoderId): Chosen | undefined {
  return job.chosen.find((entry) => entry.encoder === encoder);
}

/** Whether `encoder` holds a seat in the attempt's shard. */
export function holdsSeat(job: EncoderJob, encoder: EncoderId): boolean {
  return job.shard.some((member) => member.encoder === encoder);
}

/** The job with a change to one entry of its selection. */
export function withChosen(job: EncoderJob, encoder: EncoderId, change: Partial<Chosen>): EncoderJob {
  return {
    ...job,
    chosen: job.chosen.map((entry) => (entry.encoder === encoder ? { ...entry, ...change } : entry)),
  };
}

/** Everything that belongs to one attempt, as it is before the offer. */
export const FRESH_ATTEMPT = {
  beacon: null,
  shard: [],
  stage: "waiting",
  offer: null,
  mailboxes: [],
  fault: null,
  own: null,
  optOut: null,
  selection: null,
  selectedAt: 0n,
  chosen: [],
  evaluatedSet: null,
  bundledAt: 0n,
  evaluation: null,
  partials: [],
  badPartials: [],
  quorumAt: 0n,
  missing: [],
  answered: false,
  unanswered: [],
  asks: 0,
  remindAt: 0n,
  reminders: 0,
  posts: [],
} satisfies Partial<EncoderJob>;
