import { BLOCK_LIMITS, type BlockBody, type BlockRef, type Parameters } from "@soma/protocol";
import type { CommitVotes } from "./commit-votes.ts";
import type { LeaderSource } from "./committer.ts";
import type { ConsensusCounters } from "./counters.ts";
import type { DagStore } from "./dag-store.ts";
import type { Committee, Support } from "./support.ts";
import type { ThresholdClock } from "./threshold-clock.ts";
import type { TransactionQueue } from "./transaction-queue.ts";

/** What a proposal is made of, all of it owned by the epoch. */
export interface ProposerOptions {
  readonly self: number;
  readonly epoch: bigint;
  readonly committee: Committee;
  readonly support: () => Support;
  readonly parameters: Pick<Parameters, "minRoundDelay" | "restDelay" | "leaderTimeout">;
  readonly dag: DagStore;
  readonly clock: ThresholdClock;
  readonly votes: CommitVotes;
  readonly queue: TransactionQueue;
  readonly counters: ConsensusCounters;
  /** Time of day, for the block's timestamp alone: it may go back. */
  readonly wallMs: () => number;
  /** CONS-8: no block of this round or below is ever made. */
  readonly floor: number;
}

/** A body to sign; the signer adds the VRF proof if the author takes itself for the round's leader (RAND-1). */
export interface Proposal {
  readonly body: BlockBody;
  readonly provesLeadership: boolean;
}

/** Decides when this validator makes its block of a round, and of what (CONS-7, CONS-8). One block a round, ever. */
export class Proposer {
  readonly #options: ProposerOptions;
  /** Highest round that was, or may have been, signed. */
  #lastRound: number;
  #lastBlockRound = 0;
  #lastTimestampMs = 0n;
  #lastProposedAtMs = Number.NEGATIVE_INFINITY;
  #enteredRound = 0;
  #enteredAtMs = 0;
  /** The present round's block could be made, and nobody waits for it. */
  #isResting = false;
  /** The newest round of each author that an own block lists. */
  readonly #listed: number[] = [];

  constructor(options: ProposerOptions) {
    this.#options = options;
    this.#lastRound = options.floor;
  }

  get lastRound(): number {
    return this.#lastRound;
  }

  /** When to look again: the end of the rest, else of the minimum delay or the leader's timeout, whichever is next. */
  wakeAtMs(nowMs: number): number {
    const { minRoundDelay, restDelay, leaderTimeout } = this.#options.parameters;
    if (this.#enteredRound <= this.#lastRound) return Number.POSITIVE_INFINITY;
    const moments = this.#isResting
      ? [this.#lastProposedAtMs + restDelay]
      : [this.#lastProposedAtMs + minRoundDelay, this.#enteredAtMs + leaderTimeout];
    return Math.min(...moments.filter((moment) => moment > nowMs));
  }

  /** Notes what own blocks list, so that none is listed twice; also for blocks from before a restart. */
  own(body: BlockBody): void {
    this.#lastRound = Math.max(this.#lastRound, body.round);
    this.#lastBlockRound = Math.max(this.#lastBlockRound, body.round);
    if (body.timestampMs > this.#lastTimestampMs) this.#lastTimestampMs = body.timestampMs;
    for (const { author, round } of body.ancestors) {
      this.#listed[author] = Math.max(this.#listed[author] ?? -1, round);
    }
  }

  /** The next block, if it is time for it; `previous` is the newest own block that is accepted, genesis at first. */
  propose(input: {
    readonly nowMs: number;
    readonly previous: BlockRef;
    readonly leaders: LeaderSource;
    readonly gcRound: number;
    /** CONS-10: nothing more is executed in this epoch, so blocks carry votes only. */
    readonly closed: boolean;
    /** Somebody waits for the next commits. */
    readonly isAwaited: boolean;
  }): Proposal | null {
    const { self, epoch, clock, votes, queue } = this.#options;
    const { nowMs, previous, leaders } = input;
    const round = clock.round;
    if (round > this.#enteredRound) {
      this.#enteredRound = round;
      this.#enteredAtMs = nowMs;
      this.#isResting = false;
    }
    if (round <= this.#lastRound || previous.round >= round) return null;
    // The newest own block is not signed yet, or waits for its ancestors after a restart.
    if (previous.round < this.#lastBlockRound) return null;
    if (!this.#isTime(round, nowMs, leaders)) return null;
    if (this.#rests(round, input)) return null;
    const ancestors = this.#ancestors(round, previous, input.gcRound);
    if (ancestors === null) return null;
    this.#countRest(nowMs);
    this.#lastProposedAtMs = nowMs;
    const now = BigInt(Math.max(0, Math.floor(this.#options.wallMs())));
    const body: BlockBody = {
      epoch,
      round,
      author: self,
      timestampMs: now > this.#lastTimestampMs ? now : this.#lastTimestampMs,
      ancestors,
      transactions: input.closed ? [] : queue.take(),
      commitVotes: votes.take(BLOCK_LIMITS.commitVotes),
      vrfProof: new Uint8Array(0),
    };
    this.own(body);
    return { body, provesLeadership: leaders.leader(round) === self };
  }

  /** The minimum delay is over, and the last round's leader is here or has had its time. */
  #isTime(round: number, nowMs: number, leaders: LeaderSource): boolean {
    const { minRoundDelay, leaderTimeout } = this.#options.parameters;
    if (nowMs < this.#lastProposedAtMs + minRoundDelay) return false;
    if (nowMs >= this.#enteredAtMs + leaderTimeout) return true;
    return round === 1 || this.#options.dag.slot(round - 1, leaders.leader(round - 1)).length > 0;
  }

  /**
   * Whether the block may wait: it would carry nothing, nobody waits for a commit, and nobody else has begun the round. The
   * first block with transactions, or the first whose rest is over, wakes all.
   */
  #rests(
    round: number,
    { nowMs, closed, isAwaited }: { nowMs: number; closed: boolean; isAwaited: boolean },
  ): boolean {
    const { parameters, queue, dag } = this.#options;
    if (nowMs >= this.#lastProposedAtMs + parameters.restDelay) return false;
    if (!closed && (isAwaited || queue.length > 0)) return false;
    if (dag.highestRound >= round) return false;
    this.#isResting = true;
    return true;
  }

  #countRest(nowMs: number): void {
    if (!this.#isResting) return;
    const { counters, parameters } = this.#options;
    if (nowMs >= this.#lastProposedAtMs + parameters.restDelay) counters.rests += 1;
    else counters.wakes += 1;
    this.#isResting = false;
  }

  /** The own previous block first, then each other author's newest that no own block lists (CONS-2). */
  #ancestors(round: number, previous: BlockRef, gcRound: number): BlockRef[] | null {
    const { self, committee, dag } = this.#options;
    const ancestors = [previous];
    const parents = this.#options.support();
    if (previous.round === round - 1) parents.add(self);
    for (const author of committee.stakes.keys()) {
      if (author === self) continue;
      const newest = dag.newestBelow(author, round)?.ref;
      if (newest === undefined || newest.round <= (this.#listed[author] ?? -1)) continue;
      if (newest.round <= gcRound && round > 1) continue;
      ancestors.push(newest);
      if (newest.round === round - 1) parents.add(author);
    }
    return parents.stake >= committee.quorum ? ancestors : null;
  }
}
