import { toHex } from "@soma/base";
import { bcs, bytes32, encode, u16, u64 } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import type { Digest } from "./ids.ts";
import { AskCodec } from "./transaction.ts";

export const CommitteeMemberCodec = bcs.struct("CommitteeMember", {
  validator: bytes32,
  stake: u64,
  blockKey: bcs.bytes(32),
  blsKey: bcs.bytes(48),
  vrfKey: bcs.bytes(32),
  edgeAddress: bcs.string(),
  gatewayAddress: bcs.string(),
});
export type CommitteeMember = typeof CommitteeMemberCodec.$inferType;

export const RosterEntryCodec = bcs.struct("RosterEntry", {
  encoder: bytes32,
  stake: u64,
  messageKey: bcs.bytes(32),
  blsKey: bcs.bytes(48),
  asks: bcs.vector(AskCodec),
});
export type RosterEntry = typeof RosterEntryCodec.$inferType;

export const EpochInfoCodec = bcs.struct("EpochInfo", {
  epoch: u64,
  startTimestampMs: u64,
  /** Index of the last commit of the epoch before; the first of this one is the next. */
  lastCommit: u64,
  /** Beacon of that commit: the epoch's seed (RAND-2). */
  seed: bytes32,
  /** Leader block of that commit, which seeds masks (MASK-2); the genesis digest in epoch 0. */
  lastBlock: bytes32,
  /** Ascending by validator id; an author's index in blocks is its place here. */
  committee: bcs.vector(CommitteeMemberCodec),
  /** Ascending by encoder id. */
  roster: bcs.vector(RosterEntryCodec),
  /** Price a byte by modality number (ECON-4), 0 where nobody asks. */
  prices: bcs.vector(u64),
  baseFee: u64,
  protocolVersion: u16,
  /** Digest of the parameter table in force. */
  parameters: bytes32,
});
/** Everything that stays fixed within an epoch, and that others need to verify it. */
export type EpochInfo = typeof EpochInfoCodec.$inferType;

export function epochInfoDigest(chainId: string, info: EpochInfo): Digest {
  return toHex(taggedHash("soma.epoch", chainId, encode(EpochInfoCodec, info)));
}

/** Quorum of a committee's stake (CONS-1): floor(2T/3) + 1. */
export function quorumStake(total: bigint): bigint {
  return (2n * total) / 3n + 1n;
}
