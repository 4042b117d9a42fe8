import { concatBytes, type Result, toHex } from "@soma/base";
import { bcs, byteString, bytes32, decodeExact, encode, u16, u32, u64 } from "@soma/codec";
import { domain, taggedHash } from "@soma/crypto";
import type { Digest } from "./ids.ts";

/** Limits of CONS-2. */
export const BLOCK_LIMITS = {
  transactions: 512,
  transactionBytes: 256 * 1024,
  totalTransactionBytes: 512 * 1024,
  commitVotes: 100,
  /** The whole signed block: transactions and the header of a committee of 512. */
  bytes: 512 * 1024 + 64 * 1024,
} as const;

export const BlockRefCodec = bcs.struct("BlockRef", { round: u32, author: u16, digest: bytes32 });
/** Names a block: its round, its author's index in the committee, and the hash of its received bytes. */
export type BlockRef = typeof BlockRefCodec.$inferType;

export const CommitVoteCodec = bcs.struct("CommitVote", { index: u64, digest: bytes32 });
/** A vote that commit `index` has this digest (CONS-9). */
export type CommitVote = typeof CommitVoteCodec.$inferType;

export const BlockBodyCodec = bcs.struct("BlockBody", {
  epoch: u64,
  round: u32,
  author: u16,
  timestampMs: u64,
  ancestors: bcs.vector(BlockRefCodec),
  transactions: bcs.vector(byteString),
  commitVotes: bcs.vector(CommitVoteCodec),
  /** RAND-1: 80 bytes over (epoch, round) if the author takes itself for the round's leader, else none. */
  vrfProof: byteString,
});
export type BlockBody = typeof BlockBodyCodec.$inferType;

export const SignedBlockCodec = bcs.struct("SignedBlock", { body: BlockBodyCodec, signature: bcs.bytes(64) });
export type SignedBlock = typeof SignedBlockCodec.$inferType;

/** Bytes that the author signs: domain "soma.block", then the body. */
export function blockSigningBytes(chainId: string, body: BlockBody): Uint8Array {
  return concatBytes(domain("soma.block", chainId), encode(BlockBodyCodec, body));
}

/** Id of a block: H over its bytes as received, signature included (CONS-2); never over a re-encoding. */
export function blockDigest(chainId: string, signedBytes: Uint8Array): Digest {
  return toHex(taggedHash("soma.block.id", chainId, signedBytes));
}

export function encodeSignedBlock(block: SignedBlock): Uint8Array {
  return encode(SignedBlockCodec, block);
}

export function decodeSignedBlock(bytes: Uint8Array): Result<SignedBlock> {
  return decodeExact(SignedBlockCodec, bytes, BLOCK_LIMITS.bytes);
}

/** The unsigned block of round 0 that every validator knows: one an author, bound to the epoch's start. */
export function genesisBlockRef(
  chainId: string,
  epoch: bigint,
  epochDigest: Digest,
  author: number,
): BlockRef {
  const bytes = encode(GenesisBlockCodec, { epoch, author, epochDigest });
  return { round: 0, author, digest: toHex(taggedHash("soma.block.genesis", chainId, bytes)) };
}

const GenesisBlockCodec = bcs.struct("GenesisBlock", { epoch: u64, author: u16, epochDigest: bytes32 });

/** Input of the leader's VRF: (epoch, round) under its own tag (RAND-1). */
export function leaderVrfInput(chainId: string, epoch: bigint, round: number): Uint8Array {
  return concatBytes(domain("soma.vrf", chainId), encode(VrfInputCodec, { epoch, round }));
}

const VrfInputCodec = bcs.struct("VrfInput", { epoch: u64, round: u32 });
