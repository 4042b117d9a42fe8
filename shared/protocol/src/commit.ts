import { toHex } from "@soma/base";
import { bcs, bytes32, encode, u64 } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import { BlockRefCodec } from "./block.ts";
import type { Digest } from "./ids.ts";

export const CommitCodec = bcs.struct("Commit", {
  epoch: u64,
  /** From 1, never restarting: the ledger's clock (GAME-9 counts these). */
  index: u64,
  previous: bytes32,
  timestampMs: u64,
  leader: BlockRefCodec,
  /** The sub-DAG in order, the leader last (CONS-5). */
  blocks: bcs.vector(BlockRefCodec),
});
/** One step of the total order; its digests form a chain (CONS-9). */
export type Commit = typeof CommitCodec.$inferType;

export function commitDigest(chainId: string, commit: Commit): Digest {
  return toHex(taggedHash("soma.commit", chainId, encode(CommitCodec, commit)));
}

/** `previous` of commit 1. */
export const NO_COMMIT: Digest = "00".repeat(32);
