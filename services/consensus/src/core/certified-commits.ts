import { err, ok, type Result } from "@soma/base";
import { type Commit, commitDigest } from "@soma/protocol";
import type { CommitPoint } from "./commit-sequence.ts";
import type { Committee, Support } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** Commits that follow the own last one, with their blocks, and what certifies the last of them (CONS-9). */
export interface CommitBatch {
  readonly commits: readonly Commit[];
  /** Of all the commits; bound by the commits' digests, so that their signatures need no check. */
  readonly blocks: readonly VerifiedBlock[];
  /**
   * Commits that follow, without their blocks, up to one that is certified: the way to it may be longer than a batch,
   * since the last commits of an epoch may never gather votes.
   */
  readonly proof?: readonly Commit[];
  /** Verified blocks whose votes certify the last of all these commits; none if a checkpoint does. */
  readonly voters: readonly VerifiedBlock[];
}

/** What a batch is checked against. */
export interface BatchContext {
  readonly chainId: string;
  readonly epoch: bigint;
  readonly last: CommitPoint;
  readonly committee: Committee;
  readonly support: () => Support;
  /** A commit of this epoch that a certified checkpoint names (LEDGER-5), if one is known. */
  readonly checkpoint: CommitPoint | null;
  readonly maxCommits: number;
  readonly maxProof: number;
}

/**
 * Checks a batch before any of it is applied: a chain of digests from the own last commit through the batch and its
 * proof, and for the last of them blocks of quorum stake that vote for exactly its index and digest, or the known
 * checkpoint. Returns the digests of the batch's commits.
 */
export function checkCommitBatch(batch: CommitBatch, context: BatchContext): Result<string[]> {
  const { chainId, epoch, last, checkpoint, maxCommits, maxProof } = context;
  const { commits, proof = [] } = batch;
  if (commits.length === 0) return err("CONSENSUS_BATCH_EMPTY", "no commits");
  if (commits.length > maxCommits || proof.length > maxProof) {
    return err("CONSENSUS_BATCH_TOO_LARGE", `more than ${maxCommits} commits, or ${maxProof} in the proof`);
  }
  const digests: string[] = [];
  let previous = last;
  for (const commit of [...commits, ...proof]) {
    if (commit.epoch !== epoch || commit.index !== previous.index + 1n) {
      return err("CONSENSUS_BATCH_NOT_NEXT", `commit ${commit.index} does not follow ${previous.index}`);
    }
    if (commit.previous !== previous.digest) {
      return err("CONSENSUS_BATCH_BROKEN_CHAIN", `commit ${commit.index} names another previous commit`);
    }
    previous = { index: commit.index, digest: commitDigest(chainId, commit) };
    digests.push(previous.digest);
  }
  if (checkpoint !== null && checkpoint.index === previous.index && checkpoint.digest === previous.digest) {
    return ok(digests.slice(0, commits.length));
  }
  const support = context.support();
  for (const { ref, body } of batch.voters) {
    const votes = body.commitVotes.some(
      ({ index, digest }) => index === previous.index && digest === previous.digest,
    );
    if (body.epoch === epoch && votes) support.add(ref.author);
  }
  return support.stake >= context.committee.quorum
    ? ok(digests.slice(0, commits.length))
    : err("CONSENSUS_BATCH_UNCERTIFIED", `no quorum votes for commit ${previous.index}`);
}
