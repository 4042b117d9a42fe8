import type { BlockRef } from "@soma/protocol";
import type { ConsensusCounters } from "./counters.ts";
import type { EpochContext } from "./epoch-context.ts";
import type { EpochDag } from "./epoch-dag.ts";
import type { SignerLog } from "./input.ts";
import { type OwnRoundAnswer, OwnRoundRecovery } from "./own-round-recovery.ts";
import { Proposer } from "./proposer.ts";
import type { StepOutput } from "./step-output.ts";
import type { TransactionQueue } from "./transaction-queue.ts";
import type { VerifiedBlock } from "./verified-block.ts";

export interface OwnBlocksOptions {
  readonly context: EpochContext;
  readonly dag: EpochDag;
  readonly signerLog: SignerLog;
  readonly queue: TransactionQueue;
  readonly counters: ConsensusCounters;
  readonly wallMs: () => number;
  /** Between questions for the own round, and between repetitions of the newest own block. */
  readonly retryMs: number;
}

/**
 * The highest round of `epoch` that may have been signed, by an intact log (CONS-8). Infinity for an epoch before the
 * log's own. A log rebuilt in the epoch before says nothing of round 1 here, which needs nobody else's block.
 */
export function signedFloor(log: SignerLog & { status: "intact" }, epoch: bigint): number {
  const { last, rebuiltIn } = log;
  if (last !== null && last.epoch > epoch) return Number.POSITIVE_INFINITY;
  if (last !== null && last.epoch === epoch) return last.round;
  return rebuiltIn !== null && rebuiltIn + 1n === epoch ? 1 : 0;
}

/** This validator's own blocks of one epoch: when it may sign (CONS-8), what it signs, and that others get it. */
export class OwnBlocks {
  readonly #options: OwnBlocksOptions;
  readonly #recovery: OwnRoundRecovery | null;
  readonly #signed = new Map<number, string>();
  #proposer: Proposer | null = null;
  #floor = Number.POSITIVE_INFINITY;
  #pending: number | null = null;
  #newest: VerifiedBlock | null = null;
  #askAtMs = Number.NEGATIVE_INFINITY;
  #repeatAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: OwnBlocksOptions) {
    this.#options = options;
    const { context, signerLog } = options;
    const isMember = context.selfIndex >= 0;
    this.#recovery =
      isMember && signerLog.status === "lost"
        ? new OwnRoundRecovery(context.selfIndex, context.committee, context.rules)
        : null;
    if (!isMember || signerLog.status === "lost") return;
    const last = signerLog.last?.epoch === context.epoch ? signerLog.last.block : null;
    this.#begin(signedFloor(signerLog, context.epoch), last);
  }

  /** Whether this validator may sign; false while it asks for its own round. */
  get isReady(): boolean {
    return this.#proposer !== null;
  }

  /** Whether this validator has signed in an epoch after `epoch`: its database was restored from an older one. */
  isAheadOf(epoch: bigint): boolean {
    const { signerLog } = this.#options;
    return signerLog.status === "intact" && (signerLog.last?.epoch ?? 0n) > epoch;
  }

  /** What the signer log of this epoch comes to, for the next one. */
  signerLog(): SignerLog {
    const { signerLog, context } = this.#options;
    if (this.#proposer === null) return signerLog;
    if (this.isAheadOf(context.epoch)) return signerLog;
    const rebuiltIn = signerLog.status === "lost" ? context.epoch : signerLog.rebuiltIn;
    const last = { epoch: context.epoch, round: this.#proposer.lastRound, block: this.#newest };
    return { status: "intact", last, rebuiltIn };
  }

  /** False for a block of an own slot that another process signed: then this one stops. */
  recognises(block: VerifiedBlock, out: StepOutput): boolean {
    const { round, author, digest } = block.ref;
    if (author !== this.#options.context.selfIndex || round <= this.#floor) return true;
    if (this.#signed.get(round) === digest || round <= this.#options.dag.gcRound) return true;
    out.fatal("CONSENSUS_SECOND_INSTANCE", `another block of own round ${round} is signed with the own key`);
    return false;
  }

  /** The signer's answer to `propose`: a refusal code if it answers no such question. */
  signed(block: VerifiedBlock): string | null {
    const { round, author, digest } = block.ref;
    if (author !== this.#options.context.selfIndex || this.#pending !== round) {
      return "CONSENSUS_UNEXPECTED_OWN_BLOCK";
    }
    this.#pending = null;
    this.#signed.set(round, digest);
    this.#newest = block;
    for (const r of this.#signed.keys()) if (r <= this.#options.dag.gcRound) this.#signed.delete(r);
    return null;
  }

  publish(nowMs: number, out: StepOutput): void {
    if (this.#newest === null) return;
    this.#repeatAtMs = nowMs + this.#options.retryMs;
    out.emit({ kind: "broadcast", block: this.#newest });
  }

  answered(peer: number, answer: OwnRoundAnswer): boolean {
    return this.#recovery?.answered(peer, answer) ?? false;
  }

  /** Asks, repeats and proposes whatever is due. */
  advance(nowMs: number, out: StepOutput): void {
    if (this.#proposer === null) this.#recover(nowMs, out);
    else if (nowMs >= this.#repeatAtMs) this.publish(nowMs, out);
    this.#propose(nowMs, out);
  }

  wakeAtMs(nowMs: number): number {
    if (this.#proposer === null) return this.#recovery === null ? Number.POSITIVE_INFINITY : this.#askAtMs;
    const repeat = this.#newest === null ? Number.POSITIVE_INFINITY : this.#repeatAtMs;
    return Math.min(repeat, this.#proposer.wakeAtMs(nowMs));
  }

  #recover(nowMs: number, out: StepOutput): void {
    if (this.#recovery === null) return;
    const { context, dag } = this.#options;
    const answered = this.#recovery.floor(dag.dag, dag.gcRound);
    if (answered !== null) {
      const known = dag.dag.newest(context.selfIndex)?.ref.round ?? 0;
      const waiting = dag.acceptance.newestSuspended(context.selfIndex)?.ref.round ?? 0;
      const floor = Math.max(answered, known, waiting);
      out.emit({ kind: "rebuild-signer-log", epoch: context.epoch, floor });
      this.#begin(floor, this.#recovery.newestOwn());
      return;
    }
    if (nowMs < this.#askAtMs) return;
    this.#askAtMs = nowMs + this.#options.retryMs;
    const to = this.#recovery.unanswered(dag.dag, dag.gcRound);
    const { committee } = context.info;
    const peers = to.map((author) => committee[author]!.validator);
    out.emit({ kind: "ask-own-round", to: peers, epoch: context.epoch });
  }

  #begin(floor: number, newest: VerifiedBlock | null): void {
    const { context, dag, queue, counters, wallMs } = this.#options;
    const { epoch, committee, support, parameters, selfIndex: self } = context;
    this.#floor = floor;
    this.#newest = newest;
    this.#proposer = new Proposer({
      self,
      epoch,
      committee,
      support,
      parameters,
      dag: dag.dag,
      clock: dag.clock,
      votes: dag.votes,
      queue,
      counters,
      wallMs,
      floor,
    });
    if (newest !== null) this.#proposer.own(newest.body);
  }

  #propose(nowMs: number, out: StepOutput): void {
    const { context, dag } = this.#options;
    const { snapshot, leaders } = dag.sequence;
    if (this.#proposer === null || dag.lag > BigInt(context.bounds.commitLagRefusing)) return;
    const lastRound = snapshot.closed ? snapshot.leaderRound + context.bounds.roundsAfterClose : 0xffff_fffe;
    if (dag.clock.round > lastRound) return;
    const proposal = this.#proposer.propose({
      nowMs,
      previous: this.#previous(),
      leaders,
      gcRound: dag.gcRound,
      closed: snapshot.closed,
      isAwaited: dag.isAwaited,
    });
    if (proposal === null) return;
    this.#pending = proposal.body.round;
    out.emit({ kind: "propose", ...proposal });
  }

  /** The newest own block that others can accept: in the DAG, or so old that nobody needs it. */
  #previous(): BlockRef {
    const { context, dag } = this.#options;
    const accepted = dag.dag.newest(context.selfIndex)!.ref;
    const newest = this.#newest?.ref;
    return newest !== undefined && newest.round > accepted.round && newest.round <= dag.gcRound
      ? newest
      : accepted;
  }
}
