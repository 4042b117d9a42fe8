import { BlockAcceptance, type Receipt } from "./block-acceptance.ts";
import type { CommitBatch } from "./certified-commits.ts";
import { type CommitPoint, CommitSequence, type SequenceSnapshot } from "./commit-sequence.ts";
import { CommitVotes, type VoteOutcome } from "./commit-votes.ts";
import { type ConsensusCounters, countDecision } from "./counters.ts";
import { type DagBlock, DagStore } from "./dag-store.ts";
import type { EpochContext } from "./epoch-context.ts";
import { type OrderedSubDag, Ordering } from "./ordering.ts";
import type { StepOutput } from "./step-output.ts";
import { ThresholdClock } from "./threshold-clock.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** What an epoch's DAG begins with: where the commit chain stands, and for a restart what was stored. */
export interface StoredEpoch {
  readonly previous: CommitPoint | SequenceSnapshot;
  readonly commits: CommitBatch["commits"];
  readonly blocks: readonly VerifiedBlock[];
}

/** The blocks of one epoch and all that follows from them: clock, commits, votes. Proposes nothing, asks nobody. */
export class EpochDag {
  readonly dag = new DagStore();
  readonly clock: ThresholdClock;
  readonly votes: CommitVotes;
  readonly sequence: CommitSequence;
  readonly acceptance: BlockAcceptance;
  readonly #context: EpochContext;
  readonly #counters: ConsensusCounters;
  readonly #ordering: Ordering;
  readonly #reported = new Set<number>();
  /** The commit up to which somebody may wait for a beacon. */
  #awaited = 0n;

  constructor(
    context: EpochContext,
    stored: StoredEpoch,
    counters: ConsensusCounters,
    /** Certificates and commits that storage turns out to lack go here. */
    out: StepOutput,
  ) {
    this.#context = context;
    this.#counters = counters;
    const { rules, bounds, committee, support, parameters } = context;
    this.clock = new ThresholdClock({ start: 1, quorum: committee.quorum, support });
    this.acceptance = new BlockAcceptance(this.dag, rules, bounds);
    for (const block of context.genesis) this.dag.insert(block);
    this.sequence = new CommitSequence({ ...context, dag: this.dag, previous: stored.previous });
    const { snapshot } = this.sequence;
    this.votes = new CommitVotes({
      committee,
      support,
      window: bounds.commitsInVote,
      lastIndex: snapshot.index,
    });
    this.#ordering = new Ordering({
      dag: this.dag,
      committee,
      rules,
      gcDepth: parameters.gcDepth,
      position: snapshot,
      onDecided: (decision) => countDecision(counters, decision),
    });
    this.#restore(stored, out);
  }

  /** CONS-5, of the last commit. */
  get gcRound(): number {
    return this.#ordering.gcRound;
  }

  /**
   * Whether somebody waits for commits: for the one that takes the transactions that are here, or for those right after one
   * with transactions, whose beacons draw what was paid there (SHARD-3).
   */
  get isAwaited(): boolean {
    return this.dag.carriesTransactions || this.sequence.snapshot.index < this.#awaited;
  }

  /** Commits that a quorum is ahead. */
  get lag(): bigint {
    return this.votes.quorumIndex() - this.sequence.snapshot.index;
  }

  /**
   * Takes a received block; call `advance` once a batch is in. `behind`: this validator fetches commits, not blocks;
   * `future`: its round is too far above the clock's (CONS-11).
   */
  receive(block: VerifiedBlock, out: StepOutput): Receipt | "behind" | "future" {
    const { round } = block.ref;
    this.votes.noteProgress(block);
    if (this.lag > BigInt(this.#context.bounds.commitLagRefusing)) return "behind";
    if (round > this.clock.round + this.#context.bounds.futureRounds) return "future";
    this.#watch(block, out);
    const accepted: DagBlock[] = [];
    const receipt = this.acceptance.receive(block, accepted);
    this.#accepted(accepted, out);
    return receipt;
  }

  /** Commits all that the accepted blocks decide (CONS-3 to CONS-5), up to the epoch's end (CONS-10). */
  advance(out: StepOutput): void {
    while (!this.sequence.snapshot.closed && !out.isFatal) {
      const ordered = this.#ordering.next(this.sequence.leaders);
      if (ordered === null) return;
      this.#commit(ordered, out);
    }
  }

  /**
   * Applies a checked batch (CONS-9) commit by commit; `digests` are the certified ones. False if blocks are lacking,
   * with what came before them applied.
   */
  follow(batch: CommitBatch, digests: readonly string[], out: StepOutput): boolean {
    const offered = new Map(batch.blocks.map((block) => [block.ref.digest, block]));
    for (const [i, commit] of batch.commits.entries()) {
      if (this.sequence.snapshot.closed || out.isFatal) return true;
      for (const ref of commit.blocks) {
        const block = offered.get(ref.digest);
        if (this.dag.get(ref.digest) !== undefined) continue;
        if (block === undefined) return false;
        const accepted: DagBlock[] = [];
        this.acceptance.receive(block, accepted, true);
        this.#accepted(accepted, out);
      }
      const leader = this.dag.get(commit.leader.digest);
      if (leader === undefined) return false;
      this.#counters.certifiedCommits += 1;
      this.#commit(this.#ordering.follow(leader), out);
      if (this.sequence.snapshot.digest !== digests[i]) {
        out.fatal("CONSENSUS_DIVERGED", `a quorum certified another commit ${commit.index}`);
      }
    }
    return true;
  }

  #restore(stored: StoredEpoch, out: StepOutput): void {
    const { gcRound } = this;
    for (const commit of stored.commits) {
      if (commit.index > this.sequence.snapshot.index) continue;
      if (commit.leader.round > gcRound) this.sequence.recall(commit);
      for (const ref of commit.blocks) if (ref.round > gcRound) this.dag.markCommitted(ref);
    }
    const accepted: DagBlock[] = [];
    if (gcRound > 0) {
      this.acceptance.collect(gcRound, accepted);
      this.dag.evict(gcRound);
    }
    for (const block of stored.blocks) {
      if (block.body.epoch === this.#context.epoch) this.acceptance.receive(block, accepted, true);
    }
    const { snapshot } = this.sequence;
    if (snapshot.leaderRound > 0) this.#judge(this.votes.committed(snapshot), out);
    for (const { block, ref } of accepted) {
      this.clock.add(ref.round, ref.author);
      this.votes.noteProgress(block);
      this.#judge(this.votes.count(block), out);
    }
    this.advance(out);
  }

  #accepted(blocks: readonly DagBlock[], out: StepOutput): void {
    for (const { block, ref } of blocks) {
      out.store(block);
      this.clock.add(ref.round, ref.author);
      this.#judge(this.votes.count(block), out);
    }
  }

  #commit(ordered: OrderedSubDag, out: StepOutput): void {
    const { committed, scheduleChanged } = this.sequence.append(ordered);
    const { snapshot } = this.sequence;
    if (ordered.blocks.some(({ block }) => block.body.transactions.length > 0)) {
      this.#awaited = snapshot.index + BigInt(this.#context.parameters.shardDelay);
    }
    out.commit({ ...committed, snapshot });
    this.#judge(this.votes.committed(snapshot), out);
    if (scheduleChanged) {
      this.#counters.schedules += 1;
      this.#ordering.scheduleChanged();
    }
    const { gcRound } = this;
    if (gcRound === 0) return;
    const accepted: DagBlock[] = [];
    this.acceptance.collect(gcRound, accepted);
    for (const { block, ref } of this.dag.evict(gcRound)) {
      if (ref.author !== this.#context.selfIndex || block.body.transactions.length === 0) continue;
      out.emit({ kind: "return-transactions", block });
    }
    this.#accepted(accepted, out);
  }

  #judge({ certified, conflict }: VoteOutcome, out: StepOutput): void {
    for (const certificate of certified) out.emit({ kind: "store-certificate", certificate });
    if (conflict !== null) {
      out.fatal("CONSENSUS_DIVERGED", `a quorum voted for another commit ${conflict.index}`);
    }
  }

  /** CONS-13, once an author: one proof slashes and bans it for the epoch. */
  #watch(block: VerifiedBlock, out: StepOutput): void {
    const { author } = block.ref;
    if (this.#reported.has(author) || author === this.#context.selfIndex) return;
    const twin = this.acceptance.twin(block.ref);
    if (twin === undefined) return;
    this.#reported.add(author);
    this.#counters.equivocations += 1;
    out.emit({ kind: "report-equivocation", first: twin, second: block });
  }
}
