import { type Result, SomaError } from "@soma/base";
import type { BlsKey } from "@soma/crypto/native";
import { checkpointSigningBytes, type EpochInfo, type ValidatorId } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import {
  applySettlement,
  buildCheckpoint,
  checkpointDue,
  type ExecutedCommit,
  executeCommit,
  type Ledger,
} from "../core/index.ts";
import type { CommitQueue } from "./commit-queue.ts";
import type { Epochs } from "./epochs.ts";
import type { StateMetrics } from "./metrics.ts";
import { settle } from "./settlement.ts";
import type { CheckedCommit } from "./signatures.ts";
import type { StateStore, UncertifiedCheckpoint } from "./store.ts";
import type { StateTraces } from "./traces.ts";
import { WriteBatch } from "./write-batch.ts";

/** What became of commits, told once it is in the database. */
export interface Outcome {
  readonly commits: readonly { readonly commit: CheckedCommit; readonly done: ExecutedCommit }[];
  readonly checkpoints: readonly UncertifiedCheckpoint[];
}

export interface ExecutorOptions {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly store: StateStore;
  readonly epochs: Epochs;
  readonly queue: CommitQueue;
  readonly validator: ValidatorId;
  readonly blsKey: BlsKey;
  readonly metrics: StateMetrics;
  readonly traces: StateTraces;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly written: (outcome: Outcome) => Promise<void>;
}

/** Commits in one database transaction, when several wait. */
const MAX_COMMITS = 16;

/** The commits of one database transaction. */
class Round {
  readonly batch = new WriteBatch();
  readonly commits: { commit: CheckedCommit; done: ExecutedCommit }[] = [];
  readonly checkpoints: UncertifiedCheckpoint[] = [];
}

/**
 * The one writer of the ledger. While the results of some commits are being written it executes the next ones, but
 * nothing leaves before it is in the database.
 */
export class Executor {
  readonly #o: ExecutorOptions;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ExecutorOptions) {
    this.#o = options;
  }

  /** Until the queue is closed. @throws SomaError what makes it unsafe to go on, SUPPLY_BREACH above all */
  async run(): Promise<void> {
    for (;;) {
      const commits = await this.#o.queue.take(MAX_COMMITS);
      if (commits.length === 0) break;
      let round = new Round();
      for (const commit of commits) {
        if (this.#o.signal.aborted) break;
        const done = this.#o.traces.executing(commit, () => this.#execute(commit));
        if (done.settlement !== null) {
          // What came before must not wait for rewards; the closing commit itself is written with its settlement.
          await this.#write(round);
          round = new Round();
        }
        round.batch.executed(done, commit);
        round.commits.push({ commit, done });
        if (done.settlement !== null && !(await this.#turnEpoch(round, done.settlement))) {
          await this.#writing;
          return;
        }
        this.#checkpoint(round);
      }
      await this.#write(round);
    }
    await this.#writing;
  }

  #execute(commit: CheckedCommit): ExecutedCommit {
    const { ledger, metrics } = this.#o;
    const { committee } = ledger.currentEpoch;
    const began = performance.now();
    const transactions = commit.transactions.map(({ bytes, digest, author, signatureValid }) => {
      const member = committee[author];
      if (member === undefined) throw new SomaError("STATE_AUTHOR", `no author ${author} in the committee`);
      return { bytes, digest, signatureValid, author: member.validator };
    });
    const done = sound(executeCommit(ledger, { ...commit, transactions }));
    metrics.execution.record((performance.now() - began) / 1000);
    for (const { refusal } of done.transactions)
      metrics.transactions.add(1, { outcome: refusal || "executed" });
    for (const { code } of done.dropped) metrics.transactions.add(1, { outcome: code });
    return done;
  }

  async #turnEpoch(round: Round, input: NonNullable<ExecutedCommit["settlement"]>): Promise<boolean> {
    const { bus, ledger, epochs, metrics, log, signal, traces } = this.#o;
    const apply = (settlement: Parameters<typeof applySettlement>[1]) => {
      const applied = applySettlement(ledger, settlement);
      if (!applied.ok && applied.code === "SUPPLY_BREACH") throw new SomaError(applied.code, applied.message);
      return applied;
    };
    const settled = await traces.settling(input.epoch, () =>
      settle({ bus, chainId: ledger.chainId, log, signal, apply }, input),
    );
    if (settled === undefined) return false;
    round.batch.changes(settled.changes);
    round.batch.epoch(settled.next, null);
    epochs.turned(settled.next);
    metrics.epoch.set(Number(settled.next.epoch));
    log.info({ epoch: String(settled.next.epoch) }, "the ledger turned to the next epoch");
    return true;
  }

  /** LEDGER-5. The signature is stored with the commit, so that no other one of this number is ever signed. */
  #checkpoint(round: Round): void {
    const { ledger, epochs, blsKey, metrics, traces } = this.#o;
    if (!checkpointDue(ledger)) return;
    const built = sound(buildCheckpoint(ledger));
    const { checkpoint, digest } = built;
    const signs = this.#isMember(epochs.infoOf(checkpoint.epoch));
    const signature = signs ? blsKey.sign(checkpointSigningBytes(ledger.chainId, checkpoint)) : null;
    round.batch.built(built, signature);
    round.checkpoints.push({ checkpoint, digest, signature });
    traces.built(checkpoint.sequence);
    metrics.checkpoint.set(Number(checkpoint.sequence), { stage: "built" });
  }

  #isMember({ committee }: EpochInfo): boolean {
    return committee.some(({ validator }) => validator === this.#o.validator);
  }

  /** Waits for the write before and begins this one. */
  async #write({ batch, commits, checkpoints }: Round): Promise<void> {
    const { store, metrics, written } = this.#o;
    await this.#writing;
    const last = commits.at(-1);
    if (last === undefined) return;
    this.#writing = (async () => {
      const began = performance.now();
      await store.write(batch);
      metrics.write.record((performance.now() - began) / 1000);
      metrics.commit.set(Number(last.done.index));
      await written({ commits, checkpoints });
    })();
    // Thrown where it is awaited; in between nobody may listen.
    this.#writing.catch(() => undefined);
  }
}

function sound<T>(result: Result<T>): T {
  if (!result.ok) throw new SomaError(result.code, result.message);
  return result.value;
}
