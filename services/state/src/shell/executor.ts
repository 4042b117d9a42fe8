import { type Result, SomaError } from "@soma/base";
import type { BlsKey } from "@soma/crypto/native";
import {
  checkpointSigningBytes,
  type EpochInfo,
  type Override,
  type SignedOverride,
  type ValidatorId,
} from "@soma/protocol";
import { Turns } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import {
  buildCheckpointSliced,
  checkpointDue,
  type ExecutedCommit,
  executeCommitSliced,
  type HaltPoint,
  type Ledger,
} from "../core/index.ts";
import type { CommitQueue } from "./commit-queue.ts";
import type { Epochs } from "./epochs.ts";
import type { Halts } from "./halts.ts";
import { countEvents, countTransactions, type StateMetrics } from "./metrics.ts";
import type { Overrides } from "./overrides.ts";
import { HALTING } from "./safe-mode.ts";
import type { EpochSettlement } from "./settlement.ts";
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
  readonly ledger: Ledger;
  readonly store: StateStore;
  readonly epochs: Epochs;
  readonly queue: CommitQueue;
  readonly overrides: Overrides;
  readonly halts: Halts;
  readonly settlement: EpochSettlement;
  readonly validator: ValidatorId;
  readonly blsKey: BlsKey;
  readonly metrics: StateMetrics;
  readonly traces: StateTraces;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly written: (outcome: Outcome) => Promise<void>;
}

interface Executed {
  readonly done: ExecutedCommit;
  /** The override that did it here and now. */
  readonly by: SignedOverride | null;
}

/** Commits in one database transaction, when several wait. */
const MAX_COMMITS = 16;
/** Once so many transactions are in it, it is written: the statement is put together in one go. */
const MAX_TRANSACTIONS = 2_048;

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
  #round = new Round();
  readonly #turns = new Turns();

  constructor(options: ExecutorOptions) {
    this.#o = options;
  }

  /** Until the queue is closed. @throws SomaError what makes it unsafe to go on */
  async run(): Promise<void> {
    for (;;) {
      const commits = await this.#o.queue.take(MAX_COMMITS);
      if (commits.length === 0) break;
      for (const commit of commits) {
        if (this.#o.signal.aborted) break;
        const executed = await this.#execute(commit);
        if (executed === undefined) break;
        const { done, by } = executed;
        // What came before must not wait for rewards; the closing commit itself is written with its settlement.
        if (done.settlement !== null) await this.#write();
        const round = this.#round;
        round.batch.executed(done, commit);
        round.commits.push({ commit, done });
        if (by !== null) round.batch.override(by);
        if (done.settlement !== null && !(await this.#turnEpoch(round, done.settlement))) {
          await this.#writing;
          return;
        }
        await this.#checkpoint(round);
        round.batch.stands(this.#o.ledger);
        if (round.batch.transactions.length >= MAX_TRANSACTIONS) await this.#write();
      }
      await this.#write();
    }
    await this.#writing;
  }

  /** Undefined if the ledger halts at this commit and the service is stopped before an override comes. */
  async #execute(decided: CheckedCommit): Promise<Executed | undefined> {
    const { ledger, metrics, traces, overrides } = this.#o;
    const { commit, digest } = decided;
    const { committee } = ledger.currentEpoch;
    const transactions = decided.transactions.map(({ bytes, signed, digest: id, author, signatureValid }) => {
      const member = committee[author];
      if (member === undefined) throw new SomaError("STATE_AUTHOR", `no author ${author} in the committee`);
      return { bytes, signed, digest: id, signatureValid, author: member.validator };
    });
    const execute = (override: Override | undefined) => {
      const input = { commit, beacon: decided.beacon, transactions };
      return this.#turns.run(
        executeCommitSliced(ledger, override === undefined ? input : { ...input, override }),
      );
    };
    const began = performance.now();
    const known = overrides.of(commit.index, "execution");
    const attempt = await traces.executing(decided, () => execute(known));
    const executed = attempt.ok
      ? { done: attempt.value, by: null }
      : await this.#halt({ commit: commit.index, commitDigest: digest }, attempt, ({ override }) =>
          traces.executing(decided, () => execute(override)),
        );
    if (executed === undefined) return undefined;
    const { done } = executed;
    metrics.execution.record((performance.now() - began) / 1000);
    countTransactions(metrics, done);
    countEvents(metrics, done.events);
    return executed;
  }

  /** Stands at a commit that the rules cannot execute, until an override does. */
  async #halt(
    at: Pick<HaltPoint, "commit" | "commitDigest">,
    refusal: { readonly code: string; readonly message: string },
    attempt: (by: SignedOverride) => Promise<Result<ExecutedCommit>>,
  ): Promise<Executed | undefined> {
    if (!HALTING.has(refusal.code)) throw new SomaError(refusal.code, refusal.message);
    const { ledger, halts } = this.#o;
    // What came before is sound, and nobody knows how long the halt lasts.
    await this.#write();
    const { epoch } = ledger.head;
    const point = { ...at, epoch, stateDigest: ledger.stateDigest(), stage: "execution" } as const;
    return halts.overcome(point, refusal, attempt);
  }

  async #turnEpoch(round: Round, input: NonNullable<ExecutedCommit["settlement"]>): Promise<boolean> {
    const { epochs, settlement, metrics, log, traces } = this.#o;
    const settled = await traces.settling(input.epoch, () => settlement.settle(input));
    if (settled === undefined) return false;
    const { done, by } = settled;
    if (by !== null) round.batch.override(by);
    round.batch.changes(done.changes);
    round.batch.epoch(done.next, null);
    epochs.turned(done.next);
    metrics.epoch.set(Number(done.next.epoch));
    log.info({ epoch: String(done.next.epoch) }, "the ledger turned to the next epoch");
    return true;
  }

  /** LEDGER-5. The signature is stored with the commit, so that no other one of this number is ever signed. */
  async #checkpoint(round: Round): Promise<void> {
    const { ledger, epochs, blsKey, metrics, traces } = this.#o;
    if (!checkpointDue(ledger)) return;
    const built = sound(await this.#turns.run(buildCheckpointSliced(ledger)));
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

  /** Waits for the write before and begins that of the present round; the next one is a new round. */
  async #write(): Promise<void> {
    const { store, metrics, written } = this.#o;
    const { batch, commits, checkpoints } = this.#round;
    this.#round = new Round();
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
