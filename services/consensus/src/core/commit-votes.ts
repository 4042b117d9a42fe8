import { BLOCK_LIMITS, type BlockRef, type CommitVote, type Digest } from "@soma/protocol";
import type { CommitPoint } from "./commit-sequence.ts";
import type { Committee, Support } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

interface Tally {
  readonly support: Support;
  readonly voters: BlockRef[];
}

/** Votes on one commit index. An author's first vote counts, so that nobody can crowd out the others. */
interface Poll {
  own: Digest | null;
  readonly authors: Set<number>;
  readonly byDigest: Map<Digest, Tally>;
}

/** A commit with accepted blocks of quorum stake that vote for it: proof for a validator that lags (CONS-9). */
export interface CertifiedCommit extends CommitPoint {
  readonly voters: readonly BlockRef[];
}

/** What the votes say of own commits. */
export interface VoteOutcome {
  readonly certified: CertifiedCommit[];
  /** A quorum voted for this against an own commit: this validator must stop. */
  conflict: CommitPoint | null;
}

/** Counts the votes on commits that ride in blocks (CONS-9), for own commits and for how far others are. */
export class CommitVotes {
  readonly #committee: Committee;
  readonly #newSupport: () => Support;
  readonly #window: bigint;
  readonly #polls = new Map<bigint, Poll>();
  readonly #highest: (bigint | undefined)[] = [];
  #pending: CommitVote[] = [];
  #last: bigint;

  constructor(options: {
    readonly committee: Committee;
    readonly support: () => Support;
    /** Commits below and above the last own one whose votes are kept (CONS-11). */
    readonly window: number;
    readonly lastIndex: bigint;
  }) {
    this.#committee = options.committee;
    this.#newSupport = options.support;
    this.#window = BigInt(options.window);
    this.#last = options.lastIndex;
  }

  /** An own commit, stored: to be voted for in the next own block, and perhaps already voted for by others. */
  committed(point: CommitPoint): VoteOutcome {
    const { index, digest } = point;
    // One who proposes nothing votes for nothing: what no block would carry is not kept.
    if (this.#pending.length >= BLOCK_LIMITS.commitVotes) this.#pending.shift();
    this.#pending.push({ index, digest });
    for (; this.#last < index; this.#last++) this.#polls.delete(this.#last - this.#window);
    this.#poll(index).own = digest;
    return this.#judge(index);
  }

  /** Votes for the next own block: at most `limit`, the newest ones, since they certify all before them. */
  take(limit: number): CommitVote[] {
    const votes = this.#pending.slice(-limit);
    this.#pending = [];
    return votes;
  }

  /** Notes how far the author of a verified block is, whether the block can be accepted yet or not. */
  noteProgress(block: VerifiedBlock): void {
    const { author } = block.ref;
    for (const { index } of block.body.commitVotes) {
      if (index > (this.#highest[author] ?? 0n)) this.#highest[author] = index;
    }
  }

  /** Counts the votes of an accepted block. */
  count(block: VerifiedBlock): VoteOutcome {
    const outcome: VoteOutcome = { certified: [], conflict: null };
    for (const { index, digest } of block.body.commitVotes) {
      if (index <= this.#last - this.#window || index > this.#last + this.#window) continue;
      const poll = this.#poll(index);
      if (poll.authors.has(block.ref.author)) continue;
      poll.authors.add(block.ref.author);
      const tally = poll.byDigest.get(digest) ?? { support: this.#newSupport(), voters: [] };
      poll.byDigest.set(digest, tally);
      tally.support.add(block.ref.author);
      tally.voters.push(block.ref);
      const judged = this.#judge(index);
      outcome.certified.push(...judged.certified);
      outcome.conflict ??= judged.conflict;
    }
    return outcome;
  }

  /** The highest index that quorum stake voted for or passed. */
  quorumIndex(): bigint {
    const claims = this.#committee.stakes.map((stake, author) => ({
      stake,
      index: this.#highest[author] ?? 0n,
    }));
    claims.sort((a, b) => (a.index > b.index ? -1 : a.index < b.index ? 1 : 0));
    let reached = 0n;
    for (const { stake, index } of claims) {
      reached += stake;
      if (reached >= this.#committee.quorum) return index;
    }
    return 0n;
  }

  get size(): number {
    return this.#polls.size;
  }

  /** Own commits that no own block has voted for yet. */
  get pending(): number {
    return this.#pending.length;
  }

  #poll(index: bigint): Poll {
    let poll = this.#polls.get(index);
    if (poll === undefined) {
      poll = { own: null, authors: new Set(), byDigest: new Map() };
      this.#polls.set(index, poll);
    }
    return poll;
  }

  /** Tells once: the vote that completes a quorum, or the own commit that finds one complete. */
  #judge(index: bigint): VoteOutcome {
    const outcome: VoteOutcome = { certified: [], conflict: null };
    const poll = this.#poll(index);
    if (poll.own === null) return outcome;
    for (const [digest, { support, voters }] of poll.byDigest) {
      if (support.stake < this.#committee.quorum) continue;
      if (digest === poll.own) outcome.certified.push({ index, digest, voters: [...voters] });
      else outcome.conflict = { index, digest };
      poll.byDigest.delete(digest);
    }
    return outcome;
  }
}
