import { invariant } from "@soma/base";
import { medianTimestamp } from "./commit-timestamp.ts";
import { Committer, type LeaderSource } from "./committer.ts";
import type { DagBlock, DagStore } from "./dag-store.ts";
import type { Decision } from "./decision-rules.ts";
import { uncommittedHistory } from "./linearizer.ts";
import type { ConsensusRules } from "./rules.ts";
import type { Committee } from "./support.ts";

/** A committed leader with its sub-DAG in order (CONS-5, CONS-6), before it has an index in the commit chain. */
export interface OrderedSubDag {
  readonly leader: DagBlock;
  readonly blocks: readonly DagBlock[];
  readonly timestampMs: bigint;
  /** The gc round that its history was cut at. */
  readonly gcRound: number;
}

/** Where the sequence of leaders stands. */
export interface OrderingPosition {
  /** Round of the last committed leader, 0 before the first. */
  readonly leaderRound: number;
  readonly timestampMs: bigint;
}

export interface OrderingOptions {
  readonly dag: DagStore;
  readonly committee: Committee;
  readonly rules: ConsensusRules;
  /** Null: nothing is ever collected. */
  readonly gcDepth: number | null;
  readonly position: OrderingPosition;
  /** Told of every slot when it takes its place in the sequence, in order. */
  readonly onDecided?: (decision: Decision) => void;
}

/** Turns decided slots into sub-DAGs, one at a time, so that the schedule may change between any two. */
export class Ordering {
  readonly #options: OrderingOptions;
  readonly #committer: Committer;
  #position: OrderingPosition;
  #nextSlot: number;

  constructor(options: OrderingOptions) {
    this.#options = options;
    const { dag, committee, rules } = options;
    this.#committer = new Committer(
      { dag, committee, support: () => rules.support(committee.stakes) },
      rules,
    );
    this.#position = options.position;
    this.#nextSlot = options.position.leaderRound + 1;
  }

  get position(): OrderingPosition {
    return this.#position;
  }

  /** CONS-5, of the last commit: blocks at or below it are neither needed nor taken. */
  get gcRound(): number {
    return this.#options.rules.gcRound(this.#position.leaderRound, this.#options.gcDepth);
  }

  /** The next commit, or null while the first open slot is undecided (CONS-5). */
  next(leaders: LeaderSource): OrderedSubDag | null {
    for (const decision of this.#committer.decide(this.#nextSlot, leaders)) {
      if (decision.status === "undecided") return null;
      this.#nextSlot = decision.round + 1;
      this.#options.onDecided?.(decision);
      if (decision.status === "commit") return this.#order(decision.block);
    }
    return null;
  }

  /** Orders the leader of a commit that a quorum certified (CONS-9); slots before it were skipped. */
  follow(leader: DagBlock): OrderedSubDag {
    this.#nextSlot = leader.ref.round + 1;
    this.#committer.forgetUpTo(leader.ref.round);
    return this.#order(leader);
  }

  /** Slots not yet in the sequence, as they look now. */
  open(leaders: LeaderSource): Decision[] {
    return this.#committer.decide(this.#nextSlot, leaders);
  }

  /** A new swap table holds from the round after the last commit's, which is closed whatever the table says (CONS-7). */
  scheduleChanged(): void {
    this.#committer.scheduleChanged();
  }

  #order(leader: DagBlock): OrderedSubDag {
    const { dag, committee, rules } = this.#options;
    const gcRound = this.gcRound;
    const blocks = uncommittedHistory(dag, leader, gcRound).sort((a, b) => rules.compareRefs(a.ref, b.ref));
    const median = medianTimestamp(leader, committee.stakes);
    invariant(median !== null, "a leader above the gc round has its parents");
    const timestampMs = rules.commitTimestamp(median, this.#position.timestampMs);
    for (const { ref } of blocks) dag.markCommitted(ref);
    this.#position = { leaderRound: leader.ref.round, timestampMs };
    this.#committer.forgetUpTo(leader.ref.round);
    return { leader, blocks, timestampMs, gcRound };
  }
}
