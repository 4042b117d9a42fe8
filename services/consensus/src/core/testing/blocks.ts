import type { BlockBody, BlockRef } from "@soma/protocol";
import type { VerifiedBlock } from "../verified-block.ts";

/** A block named by its slot: digest of author, round and variant, all ancestors' slots given. */
export function blockOf(
  author: number,
  round: number,
  ancestors: readonly BlockRef[],
  change: Partial<BlockBody> & { variant?: number } = {},
): VerifiedBlock {
  const { variant = 0, ...fields } = change;
  const body: BlockBody = {
    epoch: 0n,
    round,
    author,
    timestampMs: BigInt(1_000 + round),
    ancestors: [...ancestors],
    transactions: [],
    commitVotes: [],
    vrfProof: new Uint8Array(0),
    ...fields,
  };
  return { ref: refOf(author, round, variant), body, bytes: Uint8Array.of(author, round, variant) };
}

export function refOf(author: number, round: number, variant = 0): BlockRef {
  const digest = [author, round, variant].map((n) => n.toString(16).padStart(8, "0")).join("");
  return { round, author, digest: digest.padEnd(64, "0") };
}

/** Rounds 1 to `last` in which each of `size` authors lists all blocks of the round before. */
export function fullRounds(size: number, last: number, genesis: readonly BlockRef[]): VerifiedBlock[] {
  const blocks: VerifiedBlock[] = [];
  let below = genesis;
  for (let round = 1; round <= last; round++) {
    const made = below.map((own, author) =>
      blockOf(author, round, [own, ...below.filter((ref) => ref !== own)]),
    );
    blocks.push(...made.slice(0, size));
    below = made.map(({ ref }) => ref);
  }
  return blocks;
}
