import { CommitExecuted } from "@soma/contracts";
import type { Digest } from "@soma/protocol";
import type { Bus } from "@soma/runtime";

/** When a validator told that it had executed a transaction: finality as its users see it (commit, then database). */
export class Executions {
  readonly #sentAt = new Map<Digest, number>();
  readonly #waiting = new Map<Digest, () => void>();
  /** Milliseconds from hand-in to execution, of those that were announced. */
  readonly latencies: number[] = [];
  /** Everything that was executed since `reset`. */
  executed = 0;
  /** Everything that the ledger refused since `reset`. */
  refused = 0;

  static async open(bus: Bus): Promise<Executions> {
    const executions = new Executions();
    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      const now = performance.now();
      for (const { digest, refusal } of transactions) {
        if (refusal === "") executions.executed += 1;
        else executions.refused += 1;
        const sentAt = executions.#sentAt.get(digest);
        if (sentAt !== undefined) executions.latencies.push(now - sentAt);
        executions.#sentAt.delete(digest);
        executions.#waiting.get(digest)?.();
        executions.#waiting.delete(digest);
      }
    });
    return executions;
  }

  /** Counts from now on. */
  reset(): void {
    this.executed = 0;
    this.refused = 0;
    this.latencies.length = 0;
  }

  /** Announces a hand-in; resolves when the transaction was executed or refused. */
  expect(digest: Digest): Promise<void> {
    this.#sentAt.set(digest, performance.now());
    return new Promise((resolve) => this.#waiting.set(digest, resolve));
  }

  get outstanding(): number {
    return this.#waiting.size;
  }
}
