import { NO_COMMIT, type ValidatorId } from "@soma/protocol";
import { CONSENSUS_BOUNDS, type ConsensusBounds } from "./bounds.ts";
import type { SequenceSnapshot } from "./commit-sequence.ts";
import { type ConsensusCounters, newCounters } from "./counters.ts";
import { type ConsensusOptions, epochContext } from "./epoch-context.ts";
import { EpochEngine } from "./epoch-engine.ts";
import type { OpenedEpoch, Recovered } from "./input.ts";
import { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
import type { StepOutput } from "./step-output.ts";
import { TransactionQueue } from "./transaction-queue.ts";

/** What a service makes its core with; rules and bounds are the real ones unless a test says otherwise. */
export type CoreOptions = Omit<ConsensusOptions, "rules" | "bounds"> & {
  readonly rules?: ConsensusRules;
  readonly bounds?: Partial<ConsensusBounds>;
};

/** The consensus of one validator: mutable inside, changed by `step` alone. */
export class ConsensusState {
  readonly options: ConsensusOptions;
  readonly queue: TransactionQueue;
  readonly counters: ConsensusCounters = newCounters();
  /** The present epoch's; null before `recovered`. */
  engine: EpochEngine | null = null;
  /** The epoch before, for those who still ask for its blocks. */
  previous: EpochEngine | null = null;
  /** Set by a fatal effect: every further input is refused. */
  isHalted = false;
  /** Time of day at the present input. */
  wallMs = 0;

  constructor(options: CoreOptions) {
    const bounds = { ...CONSENSUS_BOUNDS, ...options.bounds };
    this.options = { ...options, rules: options.rules ?? CONSENSUS_RULES, bounds };
    this.queue = new TransactionQueue(bounds);
  }

  /** Where the commit chain stands; null before `recovered`. */
  get lastCommit(): SequenceSnapshot | null {
    return this.engine?.dag.sequence.snapshot ?? null;
  }

  /** The round that the clock is in, 0 before `recovered`. */
  get round(): number {
    return this.engine?.dag.clock.round ?? 0;
  }

  /** The highest round of an accepted block of each member, in the committee's order; 0 for none. */
  get newestRounds(): { validator: ValidatorId; round: number }[] {
    const { engine } = this;
    if (engine === null) return [];
    return engine.context.info.committee.map(({ validator }, author) => ({
      validator,
      round: engine.dag.dag.newest(author)?.ref.round ?? 0,
    }));
  }

  /** Whether this validator may sign blocks (CONS-8); false for one outside the committee. */
  get isSigning(): boolean {
    return this.engine?.own.isReady ?? false;
  }

  recover(input: Recovered, nowMs: number, out: StepOutput): void {
    this.engine = new EpochEngine(
      {
        context: epochContext(this.options, input),
        stored: {
          previous: input.last ?? { index: 0n, digest: NO_COMMIT },
          commits: input.commits,
          blocks: input.blocks,
        },
        signerLog: input.signerLog,
        queue: this.queue,
        counters: this.counters,
        nowMs,
        wallMs: () => this.wallMs,
      },
      out,
    );
  }

  /** Opens the epoch after `closed`, whose last commit is here. */
  open(opened: OpenedEpoch, closed: EpochEngine, nowMs: number, out: StepOutput): void {
    closed.retire(out);
    this.previous = closed;
    this.counters.epochs += 1;
    this.engine = new EpochEngine(
      {
        context: epochContext(this.options, opened),
        stored: { previous: closed.dag.sequence.snapshot, commits: [], blocks: [] },
        signerLog: closed.own.signerLog(),
        queue: this.queue,
        counters: this.counters,
        nowMs,
        wallMs: () => this.wallMs,
      },
      out,
    );
  }

  /** The engine of an epoch that this validator can still serve. */
  engineOf(epoch: bigint): EpochEngine | null {
    return [this.engine, this.previous].find((engine) => engine?.context.epoch === epoch) ?? null;
  }

  /** Entries held in memory, by kind (CONS-11). */
  sizes(): Record<string, number> {
    return { ...this.engine?.sizes(), transactions: this.queue.length };
  }
}
