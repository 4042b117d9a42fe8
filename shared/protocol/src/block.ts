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
  /** A signed header of a committee of 512 with all its votes. */
  headerBytes: 64 * 1024,
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

export const BlockHeaderCodec = bcs.struct("BlockHeader", {
  epoch: u64,
  round: u32,
  author: u16,
  timestampMs: u64,
  ancestors: bcs.vector(BlockRefCodec),
  /** H("soma.block.transactions", BCS of the transactions' vector). */
  transactions: bytes32,
  commitVotes: bcs.vector(CommitVoteCodec),
  vrfProof: byteString,
});
/**
 * What the author signs: the body with its transactions replaced by their digest. Evidence of two blocks of one
 * slot (CONS-13) is two signed headers, which fit a transaction whatever the blocks carried.
 */
export type BlockHeader = typeof BlockHeaderCodec.$inferType;

export const SignedHeaderCodec = bcs.struct("SignedHeader", {
  header: BlockHeaderCodec,
  signature: bcs.bytes(64),
});
export type SignedHeader = typeof SignedHeaderCodec.$inferType;

const TransactionsCodec = bcs.vector(byteString);

export function blockHeader(chainId: string, body: BlockBody): BlockHeader {
  const transactions = encode(TransactionsCodec, body.transactions);
  return { ...body, transactions: toHex(taggedHash("soma.block.transactions", chainId, transactions)) };
}

/** Bytes that the author signs: domain "soma.block", then the header. */
export function headerSigningBytes(chainId: string, header: BlockHeader): Uint8Array {
  return concatBytes(domain("soma.block", chainId), encode(BlockHeaderCodec, header));
}

/** `headerSigningBytes` of a body's header. */
export function blockSigningBytes(chainId: string, body: BlockBody): Uint8Array {
  return headerSigningBytes(chainId, blockHeader(chainId, body));
}

/** The evidence form of a signed block. */
export function encodeSignedHeader(chainId: string, { body, signature }: SignedBlock): Uint8Array {
  return encode(SignedHeaderCodec, { header: blockHeader(chainId, body), signature });
}

export function decodeSignedHeader(bytes: Uint8Array): Result<SignedHeader> {
  return decodeExact(SignedHeaderCodec, bytes, BLOCK_LIMITS.headerBytes);
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
