import type { CheckedCommit } from "./signatures.ts";

interface Entry {
  readonly checked: Promise<CheckedCommit>;
  readonly size: number;
}

/** Commits between the stream and the executor, whose signatures are checked while they wait. Bounded. */
export class CommitQueue {
  readonly #maxTransactions: number;
  readonly #maxCommits: number;
  readonly #entries: Entry[] = [];
  #transactions = 0;
  #filled = Promise.withResolvers<void>();
  #freed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(options: { maxCommits: number; maxTransactions: number }) {
    this.#maxCommits = options.maxCommits;
    this.#maxTransactions = options.maxTransactions;
  }

  get length(): number {
    return this.#entries.length;
  }

  get isFull(): boolean {
    return this.#entries.length >= this.#maxCommits || this.#transactions >= this.#maxTransactions;
  }

  push(checked: Promise<CheckedCommit>, transactions: number): void {
    // Whoever takes it sees the failure; until then nobody listens.
    checked.catch(() => undefined);
    this.#entries.push({ checked, size: transactions });
    this.#transactions += transactions;
    this.#filled.resolve();
  }

  /** Waits until there is room, or the queue is closed. */
  async room(): Promise<void> {
    while (this.isFull && !this.#isClosed) {
      this.#freed = Promise.withResolvers<void>();
      await this.#freed.promise;
    }
  }

  /** The next commits, at least one and at most `max`, once there are any; none when closed. */
  async take(max: number): Promise<CheckedCommit[]> {
    while (this.#entries.length === 0 && !this.#isClosed) {
      this.#filled = Promise.withResolvers<void>();
      await this.#filled.promise;
    }
    if (this.#isClosed) return [];
    const taken = this.#entries.splice(0, max);
    const commits = await Promise.all(taken.map(({ checked }) => checked));
    for (const { size } of taken) this.#transactions -= size;
    this.#freed.resolve();
    return commits;
  }

  close(): void {
    this.#isClosed = true;
    this.#filled.resolve();
    this.#freed.resolve();
  }
}
