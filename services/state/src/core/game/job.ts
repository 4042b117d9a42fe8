import { bcs, bytes32, u32, u64 } from "@soma/codec";
import type { EncoderId } from "@soma/protocol";

/** States of GAME-9's table; `closed` has an outcome and may still wait for late penalties. */
export const PHASES = ["paid", "drawn", "selected", "bundled", "closed"] as const;
export type Phase = (typeof PHASES)[number];

const PhaseCodec = bcs.u8().transform({
  input: (phase: Phase) => PHASES.indexOf(phase),
  output: (number): Phase => {
    const phase = PHASES[number];
    if (phase === undefined) throw new RangeError(`no phase ${number}`);
    return phase;
  },
});

/** Why an encoder is slashed in a job (ECON-8). Order is stored: append only. */
export const SLASH_CAUSES = ["unselected", "reveal", "opt-out-commit", "no-signature"] as const;
export type SlashCause = (typeof SLASH_CAUSES)[number];

const CauseCodec = bcs.u8().transform({
  input: (cause: SlashCause) => SLASH_CAUSES.indexOf(cause),
  output: (number): SlashCause => {
    const cause = SLASH_CAUSES[number];
    if (cause === undefined) throw new RangeError(`no cause ${number}`);
    return cause;
  },
});

const ChosenCodec = bcs.struct("Chosen", {
  encoder: bytes32,
  seats: u32,
  commitHash: bytes32,
  /** Digest of the vectors that match the commit, from the bundle or a posted reveal. */
  revealed: bcs.option(bytes32),
  /** A signed reveal did not match the commit. */
  mismatched: bcs.bool(),
  /** In the evaluated set. */
  evaluated: bcs.bool(),
  /** Signed the final proof, or posted an evaluation or a statement of missing vectors. */
  answered: bcs.bool(),
});
/** One encoder of the selection. */
export type Chosen = typeof ChosenCodec.$inferType;

export const JobCodec = bcs.struct("Job", {
  id: bytes32,
  payer: bytes32,
  sessionKey: bytes32,
  modality: bcs.u8(),
  items: u32,
  sizeBytes: u64,
  dataCommitment: bytes32,
  /** Price x bytes; the tip beside it goes to a winner or back. */
  fee: u64,
  tip: u64,
  /** What the job still holds: fee and tip until it closes, then 0. */
  escrow: u64,
  /** Epoch whose roster and prices hold (GAME-1). */
  epoch: u64,
  paidAt: u64,
  phase: PhaseCodec,
  attempt: u32,
  shard: bcs.vector(bcs.struct("ShardMember", { encoder: bytes32, seats: u32 })),
  /** Seats that a selection needs (SHARD-4). */
  quorum: u32,
  /** Commit at which the draw or the selection is due. */
  deadline: u64,
  posted: bcs.vector(bcs.struct("PostedCommit", { encoder: bytes32, commitHash: bytes32 })),
  optOuts: bcs.vector(bcs.struct("PostedOptOut", { encoder: bytes32, badData: bcs.bool() })),
  selection: bcs.option(bytes32),
  chosen: bcs.vector(ChosenCodec),
  /** Commit at which silence about a reveal is slashed; 0 before the selection. */
  revealDeadline: u64,
  /** Digest of the set that is evaluated, once it is fixed. */
  evaluatedSet: bcs.option(bytes32),
  /** Commit at which the proof is due; 0 before the set is fixed. */
  proofDeadline: u64,
  evaluations: bcs.vector(
    bcs.struct("PostedEvaluation", {
      encoder: bytes32,
      evaluation: bytes32,
      winner: bcs.option(bytes32),
    }),
  ),
  missing: bcs.vector(bcs.struct("PostedMissing", { encoder: bytes32, missing: bytes32 })),
  winner: bcs.option(bytes32),
  /** Name of the `JobOutcome` and, after a colon, its cause; empty while open. */
  outcome: bcs.string(),
  slashed: bcs.vector(bcs.struct("JobSlash", { encoder: bytes32, cause: CauseCodec })),
});
/** An embedding job as the ledger holds it. Immutable: every step makes a new one. */
export type Job = typeof JobCodec.$inferType;

export function seatsOf(members: readonly { readonly seats: number }[]): number {
  let seats = 0;
  for (const member of members) seats += member.seats;
  return seats;
}

/** Seats in the job's current shard; 0 for a stranger. */
export function shardSeatsOf(job: Job, encoder: EncoderId): number {
  return job.shard.find((member) => member.encoder === encoder)?.seats ?? 0;
}

export function chosenOf(job: Job, encoder: EncoderId): Chosen | undefined {
  return job.chosen.find((entry) => entry.encoder === encoder);
}

/** The job with one entry of its selection changed. */
export function withChosen(job: Job, encoder: EncoderId, change: Partial<Chosen>): Job {
  return {
    ...job,
    chosen: job.chosen.map((entry) => (entry.encoder === encoder ? { ...entry, ...change } : entry)),
  };
}
