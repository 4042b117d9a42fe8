import type { Result } from "@soma/base";
import { type Telemetry, TraceBook, type Traceparent } from "@soma/telemetry";
import type { ExecutedCommit } from "../core/index.ts";
import type { CheckedCommit } from "./signatures.ts";

/** Links of one span, below OpenTelemetry's limit. */
const LINKED = 100;

/**
 * Follows traced transactions from their commit to the checkpoint that covers it and the settlement of its epoch. A
 * checkpoint and a settlement are batches, so they link what they are over. Kept in memory alone, bounded.
 */
export class StateTraces {
  readonly #telemetry: Telemetry;
  /** Spans of executed commits: by index, then for the next checkpoint. */
  readonly #executed = new TraceBook(LINKED);
  readonly #uncovered = new TraceBook(LINKED);
  /** Commits in this epoch that ended jobs. */
  readonly #ended = new TraceBook(LINKED);
  /** By the sequence number of the checkpoint: what it is over, then its own span. */
  readonly #covered = new Map<bigint, readonly Traceparent[]>();
  readonly #signed = new TraceBook(LINKED);

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** One try at a commit; a refused one leaves an empty span. */
  async executing(
    commit: CheckedCommit,
    execute: () => Promise<Result<ExecutedCommit>>,
  ): Promise<Result<ExecutedCommit>> {
    const { trace } = commit;
    if (trace === undefined) return execute();
    const attributes = {
      "soma.commit": Number(commit.commit.index),
      "soma.transactions": commit.transactions.length,
    };
    return this.#telemetry.withSpan("execute commit", { parent: trace.commit, attributes }, async (span) => {
      const executed = await execute();
      if (!executed.ok) return executed;
      const done = executed.value;
      const key = String(done.index);
      for (const book of [this.#executed, this.#uncovered]) book.remember(key, span.traceparent);
      if (done.recorded.length + done.over.length > 0) this.#ended.remember(key, span.traceparent);
      for (const { digest, refusal } of done.transactions) {
        const parent = trace.transactions.get(digest);
        if (parent === undefined) continue;
        const about = { "soma.transaction": digest, "soma.outcome": refusal || "executed" };
        this.#telemetry.withSpan(
          "execute transaction",
          { parent, links: [span.traceparent], attributes: about },
          () => {},
        );
      }
      return executed;
    });
  }

  /** Tells the operator's services of an executed commit. */
  async announcing(index: bigint, announce: () => Promise<void>): Promise<void> {
    const parent = this.#executed.get(String(index));
    this.#executed.forget([String(index)]);
    await (parent === undefined
      ? announce()
      : this.#telemetry.withSpan("announce commit", { parent }, announce));
  }

  /** A checkpoint over the commits since the one before was built. */
  built(sequence: bigint): void {
    const links = this.#uncovered.takeAll();
    if (links.length > 0) this.#covered.set(sequence, links);
  }

  /** Sends the own signature over a checkpoint. */
  async signing(sequence: bigint, send: () => Promise<void>): Promise<void> {
    const links = this.#covered.get(sequence);
    this.#covered.delete(sequence);
    if (links === undefined) return send();
    const attributes = { "soma.checkpoint": Number(sequence) };
    await this.#telemetry.withSpan("sign checkpoint", { links, attributes }, (span) => {
      this.#signed.remember(String(sequence), span.traceparent);
      return send();
    });
  }

  /** Tells that a checkpoint is certified. */
  async certified(sequence: bigint, announce: () => Promise<void>): Promise<void> {
    const parent = this.#signed.get(String(sequence));
    this.#signed.forget([String(sequence)]);
    await (parent === undefined
      ? announce()
      : this.#telemetry.withSpan("announce checkpoint", { parent }, announce));
  }

  /** Has an epoch settled: linked to the commits that ended jobs in it. */
  settling<T>(epoch: bigint, settle: () => Promise<T>): Promise<T> {
    const links = this.#ended.takeAll();
    const attributes = { "soma.epoch": Number(epoch) };
    return this.#telemetry.withSpan("settle epoch", { isEntry: true, links, attributes }, settle);
  }
}
