import type { BlockRef, ValidatorId } from "@soma/protocol";
import { BlockFetcher } from "./block-fetcher.ts";
import { type CommitBatch, checkCommitBatch } from "./certified-commits.ts";
import type { CommitPoint } from "./commit-sequence.ts";
import { CommitSync } from "./commit-sync.ts";
import type { ConsensusCounters } from "./counters.ts";
import type { EpochContext } from "./epoch-context.ts";
import { EpochDag, type StoredEpoch } from "./epoch-dag.ts";
import type { SignerLog } from "./input.ts";
import { OwnBlocks } from "./own-blocks.ts";
import type { OwnRoundAnswer } from "./own-round-recovery.ts";
import type { StepOutput } from "./step-output.ts";
import type { TransactionQueue } from "./transaction-queue.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** Commit sync, own-round questions and the repetition of the newest own block wait this many leader timeouts. */
const PATIENCE = 5;

export interface EpochEngineOptions {
  readonly context: EpochContext;
  readonly stored: StoredEpoch;
  readonly signerLog: SignerLog;
  readonly queue: TransactionQueue;
  readonly counters: ConsensusCounters;
  readonly nowMs: number;
  readonly wallMs: () => number;
}

/** One epoch of a validator: its DAG, its own blocks, and what it asks of others. */
export class EpochEngine {
  readonly context: EpochContext;
  readonly dag: EpochDag;
  readonly own: OwnBlocks;
  readonly #fetcher: BlockFetcher;
  readonly #commitSync: CommitSync;
  #timerAtMs = Number.NEGATIVE_INFINITY;
  #sender: number;

  constructor(options: EpochEngineOptions, out: StepOutput) {
    const { context } = options;
    this.context = context;
    const { bounds, committee, selfIndex: self, parameters } = context;
    const size = committee.stakes.length;
    const retryMs = PATIENCE * parameters.leaderTimeout;
    this.#sender = self;
    const { stored, signerLog } = options;
    const last = signerLog.status === "intact" ? (signerLog.last?.block ?? null) : null;
    const blocks = last === null ? stored.blocks : [...stored.blocks, last];
    this.dag = new EpochDag(context, { ...stored, blocks }, options.counters, out);
    this.own = new OwnBlocks({ ...options, dag: this.dag, retryMs });
    this.#fetcher = new BlockFetcher({
      self,
      size,
      retryMs: 2 * parameters.leaderTimeout,
      perRequest: bounds.blocksPerRequest,
      inFlight: bounds.fetchesInFlight,
    });
    this.#commitSync = new CommitSync({ self, size, retryMs });
    this.#advance(options.nowMs, out);
  }

  /** A refusal code if not one of the blocks was of use, else null. */
  receive(
    from: ValidatorId,
    blocks: readonly VerifiedBlock[],
    nowMs: number,
    out: StepOutput,
  ): string | null {
    let useful = blocks.length === 0;
    let refusal = "CONSENSUS_BLOCKS_USELESS";
    this.#sender = this.#indexOf(from);
    for (const block of blocks) {
      if (block.body.epoch !== this.context.epoch) continue;
      if (!this.own.recognises(block, out)) continue;
      const receipt = this.dag.receive(block, out);
      if (receipt === "behind") refusal = "CONSENSUS_BEHIND";
      else if (receipt === "future") refusal = "CONSENSUS_BLOCK_FUTURE";
      else if (receipt === "refused") refusal = "CONSENSUS_BLOCK_CROWDED";
      else useful = true;
    }
    this.#advance(nowMs, out);
    this.#sender = this.context.selfIndex;
    return useful ? null : refusal;
  }

  ownBlockSigned(block: VerifiedBlock, nowMs: number, out: StepOutput): string | null {
    const refusal = this.own.signed(block);
    if (refusal !== null) return refusal;
    this.dag.receive(block, out);
    this.own.publish(nowMs, out);
    this.#advance(nowMs, out);
    return null;
  }

  ownRoundReported(from: ValidatorId, answer: OwnRoundAnswer, nowMs: number, out: StepOutput): string | null {
    const peer = this.#indexOf(from);
    if (!this.own.answered(peer, answer)) return "CONSENSUS_ANSWER_UNFIT";
    this.#sender = peer;
    for (const block of [answer.own, answer.tip]) {
      if (block !== null && block.body.epoch === this.context.epoch) this.dag.receive(block, out);
    }
    this.#advance(nowMs, out);
    this.#sender = this.context.selfIndex;
    return null;
  }

  commitsReceived(batch: CommitBatch, nowMs: number, out: StepOutput): string | null {
    const { snapshot } = this.dag.sequence;
    // What the own DAG decided in the meantime needs no certificate; the chain of digests covers the rest.
    const commits = batch.commits.filter(({ index }) => index > snapshot.index);
    if (commits.length === 0 || snapshot.closed) return null;
    const fresh = { ...batch, commits };
    const checked = checkCommitBatch(fresh, {
      chainId: this.context.chainId,
      epoch: this.context.epoch,
      last: snapshot,
      committee: this.context.committee,
      support: this.context.support,
      checkpoint: this.#commitSync.checkpoint,
      maxCommits: this.context.parameters.commitBatch,
      maxProof: this.context.bounds.commitProof,
    });
    if (!checked.ok) return checked.code;
    if (!this.dag.follow(fresh, checked.value, out)) return "CONSENSUS_BATCH_INCOMPLETE";
    this.#commitSync.progressed();
    this.#advance(nowMs, out);
    return null;
  }

  commitCertified(point: CommitPoint, nowMs: number, out: StepOutput): void {
    this.#commitSync.certified(point);
    this.#advance(nowMs, out);
  }

  tick(nowMs: number, out: StepOutput): void {
    // Whatever its moment, the timer has rung: what still lies ahead is set anew.
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#advance(nowMs, out);
  }

  /** Blocks that this validator has in memory, of those asked for, and the references of the others. */
  serve(refs: readonly BlockRef[]): { blocks: VerifiedBlock[]; stored: BlockRef[] } {
    const blocks: VerifiedBlock[] = [];
    const stored: BlockRef[] = [];
    for (const ref of refs.slice(0, this.context.bounds.blocksPerRequest)) {
      const block = this.dag.dag.get(ref.digest)?.block ?? this.dag.acceptance.suspended(ref.digest);
      if (block === undefined) stored.push(ref);
      else if (block.ref.round > 0) blocks.push(block);
    }
    return { blocks, stored };
  }

  /**
   * CONS-8: what this validator knows of another's own blocks, and its own newest; also while it recovers itself. Null if
   * its database is behind its signer log by an epoch, for then it cannot speak for those who are still in this one.
   */
  reportOwnRound(from: ValidatorId): OwnRoundAnswer | null {
    if (this.own.isAheadOf(this.context.epoch)) return null;
    const { dag, acceptance } = this.dag;
    const newestOf = (author: number): VerifiedBlock | null => {
      const accepted = dag.newest(author)?.block;
      const suspended = acceptance.newestSuspended(author);
      const newest = (suspended?.ref.round ?? 0) > (accepted?.ref.round ?? 0) ? suspended : accepted;
      return newest === undefined || newest.ref.round === 0 ? null : newest;
    };
    return { own: newestOf(this.#indexOf(from)), tip: newestOf(this.context.selfIndex) };
  }

  /** The epoch is over: own transactions that no commit took may be offered again. */
  retire(out: StepOutput): void {
    for (const { block } of this.dag.dag.uncommitted(this.context.selfIndex)) {
      if (block.body.transactions.length > 0) out.emit({ kind: "return-transactions", block });
    }
  }

  /** Entries held, by kind: what CONS-11 bounds. */
  sizes(): Record<string, number> {
    const { acceptance, dag, votes } = this.dag;
    const { size: polls, pending: votesPending } = votes;
    return { blocks: dag.size, ...acceptance.sizes, polls, votesPending, fetches: this.#fetcher.size };
  }

  #advance(nowMs: number, out: StepOutput): void {
    this.dag.advance(out);
    if (out.isFatal) return;
    this.own.advance(nowMs, out);
    this.#fetch(nowMs, out);
    this.#setTimer(nowMs, out);
  }

  #fetch(nowMs: number, out: StepOutput): void {
    const { epoch, bounds, parameters } = this.context;
    const { index, closed } = this.dag.sequence.snapshot;
    const missing = this.dag.acceptance.missing();
    for (const { to, refs } of this.#fetcher.due(missing, this.#sender, nowMs)) {
      out.emit({ kind: "fetch-blocks", to: this.#idOf(to), epoch, refs });
    }
    const isLagging = !closed && this.dag.lag >= BigInt(bounds.commitLag);
    const peer = this.#commitSync.due({ last: index, isLagging, nowMs });
    if (peer === null) return;
    out.emit({ kind: "fetch-commits", to: this.#idOf(peer), after: index, limit: parameters.commitBatch });
  }

  #setTimer(nowMs: number, out: StepOutput): void {
    const wake = Math.min(this.own.wakeAtMs(nowMs), this.#fetcher.wakeAtMs(), this.#commitSync.wakeAtMs());
    if (wake === Number.POSITIVE_INFINITY || (wake === this.#timerAtMs && wake > nowMs)) return;
    this.#timerAtMs = wake;
    out.emit({ kind: "set-timer", atMs: wake });
  }

  #indexOf(validator: ValidatorId): number {
    return this.context.info.committee.findIndex((member) => member.validator === validator);
  }

  #idOf(author: number): ValidatorId {
    return this.context.info.committee[author]!.validator;
  }
}
