import type { Digest } from "@soma/protocol";

/** A row's name: its partition, and a number that counts up in it, the order of admission. */
export interface BatchKey {
  readonly partition: number;
  readonly number: bigint;
}

/** A transaction as it is stored. */
export interface Stored {
  readonly digest: Digest;
  readonly partition: number;
  readonly bytes: Uint8Array;
}

/** Transactions that are written together, of one partition. */
export interface Batch extends BatchKey {
  readonly transactions: readonly Stored[];
}

interface Kept extends BatchKey {
  /** Bytes of each of its transactions that waits. */
  readonly waiting: Map<Digest, number>;
  /** Of all of its transactions. */
  readonly bytes: number;
  readonly keptMs: number;
  waitingBytes: number;
}

/** A batch of more bytes than this is cut in two. */
const BATCH_BYTES = 1024 * 1024;

const nameOf = ({ partition, number }: BatchKey) => `${partition}/${number}`;

/** Which stored batches there are, which of their transactions wait, and which batches may go since none does. */
export class BatchBook {
  readonly #kept = new Map<string, Kept>();
  readonly #batchOf = new Map<Digest, Kept>();
  /** The last number of each partition. */
  readonly #numbers = new Map<number, bigint>();
  /** Names of batches that are being written. */
  readonly #opened = new Set<string>();
  #finished: Kept[] = [];

  /** Whether it is kept, or being written. */
  has(key: BatchKey): boolean {
    const name = nameOf(key);
    return this.#kept.has(name) || this.#opened.has(name);
  }

  get hasFinished(): boolean {
    return this.#finished.length > 0;
  }

  /** Batches to be written: those of one partition together. Each must be given to `settle` when that has ended. */
  open(transactions: readonly Stored[]): Batch[] {
    const current = new Map<number, { bytes: number; transactions: Stored[] }>();
    const batches: Batch[] = [];
    for (const each of transactions) {
      const { partition } = each;
      let batch = current.get(partition);
      if (batch === undefined || batch.bytes + each.bytes.length > BATCH_BYTES) {
        const number = (this.#numbers.get(partition) ?? 0n) + 1n;
        this.#numbers.set(partition, number);
        this.#opened.add(nameOf({ partition, number }));
        const opened = { partition, number, bytes: 0, transactions: [] };
        batches.push(opened);
        current.set(partition, opened);
        batch = opened;
      }
      batch.bytes += each.bytes.length;
      batch.transactions.push(each);
    }
    return batches;
  }

  /** A batch was written, or was not. `isWaiting` tells which of its transactions have not left meanwhile. */
  settle(batch: Batch, isWritten: boolean, isWaiting: (digest: Digest) => boolean, atMs: number): void {
    this.#opened.delete(nameOf(batch));
    if (!isWritten) return;
    const waiting = batch.transactions.filter(({ digest }) => isWaiting(digest));
    this.keep(batch, sizeOf(batch.transactions), waiting, atMs);
  }

  /** Keeps a batch of so many bytes, of which these wait. What another batch holds of them, waits there no more. */
  keep(key: BatchKey, bytes: number, waiting: readonly Stored[], atMs: number): void {
    const { partition, number } = key;
    if ((this.#numbers.get(partition) ?? 0n) < number) this.#numbers.set(partition, number);
    const kept: Kept = {
      partition,
      number,
      waiting: new Map(waiting.map((each) => [each.digest, each.bytes.length])),
      bytes,
      keptMs: atMs,
      waitingBytes: sizeOf(waiting),
    };
    this.#kept.set(nameOf(key), kept);
    for (const digest of kept.waiting.keys()) {
      this.leave(digest);
      this.#batchOf.set(digest, kept);
    }
    if (kept.waiting.size === 0) this.#finished.push(kept);
  }

  /** A transaction waits no more. */
  leave(digest: Digest): void {
    const kept = this.#batchOf.get(digest);
    if (kept === undefined) return;
    this.#batchOf.delete(digest);
    kept.waitingBytes -= kept.waiting.get(digest)!;
    kept.waiting.delete(digest);
    if (kept.waiting.size === 0) this.#finished.push(kept);
  }

  /** Batches of which nothing waits; each must be given to `removed`, or to `keepFinished` if it is still there. */
  takeFinished(): BatchKey[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  removed(keys: readonly BatchKey[]): void {
    for (const key of keys) this.#kept.delete(nameOf(key));
  }

  keepFinished(keys: readonly BatchKey[]): void {
    for (const key of keys) {
      const kept = this.#kept.get(nameOf(key));
      if (kept !== undefined) this.#finished.push(kept);
    }
  }

  /**
   * What waits of batches that were kept before and are mostly of transactions that left: written anew, their batches
   * may go. So all batches together are never much more than twice as large as what waits.
   */
  sparse(beforeMs: number): { readonly partition: number; readonly digests: readonly Digest[] }[] {
    return [...this.#kept.values()]
      .filter(
        ({ keptMs, waiting, waitingBytes, bytes }) =>
          keptMs < beforeMs && waiting.size > 0 && 2 * waitingBytes < bytes,
      )
      .map(({ partition, waiting }) => ({ partition, digests: [...waiting.keys()] }));
  }

  /** Forgets partitions that are somebody else's now. */
  forget(partitions: ReadonlySet<number>): void {
    for (const [name, { partition, waiting }] of this.#kept) {
      if (!partitions.has(partition)) continue;
      this.#kept.delete(name);
      for (const digest of waiting.keys()) this.#batchOf.delete(digest);
    }
    for (const partition of partitions) this.#numbers.delete(partition);
    this.#finished = this.#finished.filter(({ partition }) => !partitions.has(partition));
  }
}

function sizeOf(transactions: readonly Stored[]): number {
  return transactions.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
