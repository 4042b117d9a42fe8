import { type Commit, commitDigest } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { checkCommitBatch } from "./certified-commits.ts";
import { committeeOf, distinctAuthors } from "./support.ts";
import { blockOf, refOf } from "./testing/blocks.ts";

const stakes = [1n, 1n, 1n, 1n];
const start = { index: 7n, digest: "77".repeat(32) };
const chain: Commit[] = [];
for (let i = 0; i < 6; i++) {
  const previous = i === 0 ? start.digest : commitDigest("test", chain[i - 1]!);
  const leader = refOf(0, i + 1);
  chain.push({ epoch: 0n, index: BigInt(8 + i), previous, timestampMs: 1n, leader, blocks: [leader] });
}
const pointOf = (commit: Commit) => ({ index: commit.index, digest: commitDigest("test", commit) });
const voters = (commit: Commit, ...authors: number[]) =>
  authors.map((author) => blockOf(author, 20, [], { commitVotes: [pointOf(commit)] }));
const check = (
  batch: { commits: Commit[]; proof?: Commit[]; voters?: ReturnType<typeof voters> },
  checkpoint: { index: bigint; digest: string } | null = null,
) =>
  checkCommitBatch(
    { blocks: [], voters: [], ...batch },
    {
      chainId: "test",
      epoch: 0n,
      last: start,
      committee: committeeOf(stakes, () => 3n),
      support: () => distinctAuthors(stakes),
      checkpoint,
      maxCommits: 3,
      maxProof: 4,
    },
  );
const [three, rest] = [chain.slice(0, 3), chain.slice(3)];

describe("CONS-9", () => {
  test("takes a chain whose last commit a quorum votes for, or a checkpoint names", () => {
    const digests = three.map((commit) => commitDigest("test", commit));
    expect(check({ commits: three, voters: voters(three[2]!, 0, 1, 3) })).toEqual({
      ok: true,
      value: digests,
    });
    expect(check({ commits: three }, pointOf(three[2]!))).toEqual({ ok: true, value: digests });
  });

  test("takes a proof that leads on to the certified commit, and returns the batch's digests alone", () => {
    const digests = three.map((commit) => commitDigest("test", commit));
    expect(check({ commits: three, proof: rest, voters: voters(rest[2]!, 1, 2, 3) })).toEqual({
      ok: true,
      value: digests,
    });
    expect(check({ commits: three, proof: rest }, pointOf(rest[2]!))).toEqual({ ok: true, value: digests });
  });

  test.each([
    ["CONSENSUS_BATCH_EMPTY", { commits: [] }],
    ["CONSENSUS_BATCH_TOO_LARGE", { commits: chain.slice(0, 4) }],
    ["CONSENSUS_BATCH_TOO_LARGE", { commits: three, proof: [...rest, ...rest] }],
    ["CONSENSUS_BATCH_NOT_NEXT", { commits: chain.slice(1, 3) }],
    ["CONSENSUS_BATCH_NOT_NEXT", { commits: [{ ...chain[0]!, epoch: 1n }] }],
    ["CONSENSUS_BATCH_BROKEN_CHAIN", { commits: [{ ...chain[0]!, timestampMs: 2n }, chain[1]!] }],
    ["CONSENSUS_BATCH_BROKEN_CHAIN", { commits: three, proof: [{ ...rest[0]!, previous: start.digest }] }],
    ["CONSENSUS_BATCH_UNCERTIFIED", { commits: three, voters: voters(three[2]!, 0, 1) }],
    ["CONSENSUS_BATCH_UNCERTIFIED", { commits: three, voters: voters(three[2]!, 0, 1, 1) }],
    ["CONSENSUS_BATCH_UNCERTIFIED", { commits: three, voters: voters(three[1]!, 0, 1, 2) }],
    ["CONSENSUS_BATCH_UNCERTIFIED", { commits: three, proof: rest, voters: voters(three[2]!, 0, 1, 2) }],
  ])("%s %#", (code, batch) => expect(check(batch)).toMatchObject({ ok: false, code }));
});
