import { concatBytes, toHex } from "@soma/base";
import { bcs, byteString, bytes32, encode, u32, u64 } from "@soma/codec";
import { domain, taggedHash } from "@soma/crypto";
import { EpochInfoCodec } from "./epoch.ts";
import type { Digest } from "./ids.ts";

export const CheckpointCodec = bcs.struct("Checkpoint", {
  epoch: u64,
  /** From 1, never restarting. */
  sequence: u64,
  previous: bytes32,
  /** The last commit it covers. */
  commitIndex: u64,
  commitDigest: bytes32,
  timestampMs: u64,
  /** MERKLE-1 root over the leaves of the commits since the checkpoint before (`CheckpointLeaf`). */
  effectsRoot: bytes32,
  leaves: u32,
  /** LtHash of the ledger after commitIndex (LEDGER-5). */
  stateDigest: bytes32,
  /** At an epoch's end: digest of the next epoch's `EpochInfo`. */
  nextEpoch: bcs.option(bytes32),
});
/** LEDGER-5. */
export type Checkpoint = typeof CheckpointCodec.$inferType;

export const CommitLeafCodec = bcs.struct("CommitLeaf", {
  index: u64,
  digest: bytes32,
  timestampMs: u64,
  /** beacon(index) of RAND-1. */
  beacon: bytes32,
});
export type CommitLeaf = typeof CommitLeafCodec.$inferType;

export const JobOutcomeCodec = bcs.enum("JobOutcome", {
  /** The final proof or GAME-9's majority stood: fee and tip to the winner. */
  Settled: bcs.struct("Settled", { winner: bytes32, paid: u64, evaluation: bytes32 }),
  /** Final proof with all disqualified. */
  AllDisqualified: bcs.struct("AllDisqualified", { refunded: u64 }),
  /** Submitter gone with quorum posted: shares of half the fee. */
  Shared: bcs.struct("Shared", { paid: u64, refunded: u64 }),
  /** No outcome in time. */
  Refunded: bcs.struct("Refunded", { refunded: u64, cause: bcs.string() }),
  /** Two signed selections: the fee is forfeited. */
  Voided: bcs.struct("Voided", { forfeited: u64 }),
  /** Quorum of opt-outs for bad data. */
  BadData: bcs.struct("BadData", { paid: u64, refunded: u64 }),
});
export type JobOutcome = typeof JobOutcomeCodec.$inferType;
export type JobOutcomeInput = typeof JobOutcomeCodec.$inferInput;

export const LedgerEventCodec = bcs.enum("LedgerEvent", {
  JobPaid: bcs.struct("JobPaid", { job: bytes32, escrow: u64, commit: u64 }),
  ShardDrawn: bcs.struct("ShardDrawn", { job: bytes32, attempt: u32, commit: u64, shard: bytes32 }),
  JobSelected: bcs.struct("JobSelected", { job: bytes32, selection: bytes32 }),
  JobBundled: bcs.struct("JobBundled", { job: bytes32, bundle: bytes32 }),
  JobClosed: bcs.struct("JobClosed", { job: bytes32, outcome: JobOutcomeCodec }),
  Slashed: bcs.struct("Slashed", {
    operator: bytes32,
    amount: u64,
    cause: bcs.string(),
    job: bcs.option(bytes32),
  }),
});
export type LedgerEvent = typeof LedgerEventCodec.$inferType;
export type LedgerEventInput = typeof LedgerEventCodec.$inferInput;

export const TransactionLeafCodec = bcs.struct("TransactionLeaf", {
  digest: bytes32,
  commit: u64,
  /** Empty if it was executed; else the refusal's stable code. */
  refusal: bcs.string(),
  fee: u64,
  events: bcs.vector(LedgerEventCodec),
});
export type TransactionLeaf = typeof TransactionLeafCodec.$inferType;

/** One provable fact of a checkpoint: of a commit, a transaction, a deadline that a commit passed, or an override. */
export const CheckpointLeafCodec = bcs.enum("CheckpointLeaf", {
  Commit: CommitLeafCodec,
  Transaction: TransactionLeafCodec,
  Deadline: bcs.struct("DeadlineLeaf", { commit: u64, events: bcs.vector(LedgerEventCodec) }),
  /** The commit was executed or settled as an override has it (DESIGN section 4); its `overrideDigest`. */
  Override: bcs.struct("OverrideLeaf", { commit: u64, override: bytes32 }),
});
export type CheckpointLeaf = typeof CheckpointLeafCodec.$inferType;
export type CheckpointLeafInput = typeof CheckpointLeafCodec.$inferInput;

/** Bytes that validators sign with BLS: domain "soma.checkpoint", then the checkpoint. */
export function checkpointSigningBytes(chainId: string, checkpoint: Checkpoint): Uint8Array {
  return concatBytes(domain("soma.checkpoint", chainId), encode(CheckpointCodec, checkpoint));
}

export function checkpointDigest(chainId: string, checkpoint: Checkpoint): Digest {
  return toHex(taggedHash("soma.checkpoint.id", chainId, encode(CheckpointCodec, checkpoint)));
}

export const CertifiedCheckpointCodec = bcs.struct("CertifiedCheckpoint", {
  checkpoint: CheckpointCodec,
  /** Bit i (lowest bit of the first byte first) set if committee member i signed. */
  signers: byteString,
  aggregateSignature: bcs.bytes(96),
});
/** A checkpoint with signatures of quorum stake of its epoch's committee. */
export type CertifiedCheckpoint = typeof CertifiedCheckpointCodec.$inferType;

export const EpochHandoverCodec = bcs.struct("EpochHandover", {
  /** Certified by the old committee; its nextEpoch is the digest of `info`. */
  certificate: CertifiedCheckpointCodec,
  info: EpochInfoCodec,
});
export type EpochHandover = typeof EpochHandoverCodec.$inferType;
