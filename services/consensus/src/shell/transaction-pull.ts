import { MempoolReplica, TakeBatch } from "@soma/contracts";
import { BLOCK_LIMITS } from "@soma/protocol";
import { type Bus, HEADER } from "@soma/runtime";

/** A replica that has said nothing for so long is not asked. */
const SILENT_AFTER_MS = 10_000;
/** What one that hangs may cost the others. */
const ANSWERS_WITHIN_MS = 500;

interface Replica {
  readonly id: string;
  readonly partitions: number;
  readonly heardMs: number;
  /** It may have something: it said so, or gave something and was not asked in vain since. */
  readonly mayHave: boolean;
}

export interface Room {
  readonly maxTransactions: number;
  readonly maxBytes: number;
}

/** Takes a batch of one replica; undefined if it does not answer. */
export type AskReplica = (id: string, room: Room) => Promise<readonly Uint8Array[] | undefined>;

/**
 * Pulls transactions from every replica of the mempool that has some: first each one's part of the room, by how much of
 * the senders it has, then what is left from those that have more. Who comes first changes from pull to pull, so that a
 * transaction as large as half a block finds its turn. A replica that had nothing is asked again once it says that
 * something waits, which it does when that begins, and at each heartbeat in case nobody heard.
 */
export class TransactionPull {
  readonly #ask: AskReplica;
  readonly #replicas = new Map<string, Replica>();
  #turn = 0;
  #news = Promise.withResolvers<void>();

  constructor(ask: AskReplica) {
    this.#ask = ask;
  }

  /** Over the bus. @param onTraces is given the header that says which traces the transactions belong to */
  static async open(bus: Bus, onTraces: (header: string | undefined) => void): Promise<TransactionPull> {
    const pull = new TransactionPull(async (replica, room) => {
      const batch = await bus.request(TakeBatch, { replica }, room, {
        failFast: true,
        timeoutMs: ANSWERS_WITHIN_MS,
        onHeaders: (header) => onTraces(header(HEADER.traces)),
      });
      return batch.ok ? batch.value : undefined;
    });
    await bus.subscribe(MempoolReplica, {}, ({ replica, partitions, waiting }) =>
      pull.heard(replica, partitions.length, waiting),
    );
    return pull;
  }

  /** A replica says how many partitions it has, and how many transactions wait there; with no partition it leaves. */
  heard(id: string, partitions: number, waiting: number): void {
    if (partitions === 0) {
      this.#replicas.delete(id);
      return;
    }
    const mayHave = waiting > 0 || this.#replicas.get(id)?.mayHave === true;
    this.#replicas.set(id, { id, partitions, heardMs: performance.now(), mayHave });
    if (waiting > 0) this.#news.resolve();
  }

  /** Resolves once a replica may have something, or `signal` aborts. */
  async expecting(signal: AbortSignal): Promise<void> {
    const stop = () => this.#news.resolve();
    signal.addEventListener("abort", stop, { once: true });
    while (!signal.aborted && this.#inTurn().length === 0) {
      this.#news = Promise.withResolvers<void>();
      await this.#news.promise;
    }
    signal.removeEventListener("abort", stop);
  }

  /** At most `room` transactions, as many bytes as a block holds. */
  async take(room: number): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    let bytes = 0;
    /** Whether it may have more. */
    const ask = async (id: string, most: number): Promise<boolean> => {
      const maxTransactions = Math.min(most, room - taken.length);
      const maxBytes = BLOCK_LIMITS.totalTransactionBytes - bytes;
      if (maxTransactions <= 0 || maxBytes <= 0) return true;
      const asked = this.#replicas.get(id);
      const batch = await this.#ask(id, { maxTransactions, maxBytes });
      if (batch === undefined) {
        // It is asked again when it says that it lives.
        this.#replicas.delete(id);
        return false;
      }
      // Unless what it has did not fit beside what others gave, or it spoke meanwhile.
      const hasNothing = batch.length === 0 && bytes === 0;
      if (hasNothing && asked !== undefined && this.#replicas.get(id) === asked) {
        this.#replicas.set(id, { ...asked, mayHave: false });
      }
      taken.push(...batch);
      for (const transaction of batch) bytes += transaction.length;
      return batch.length === maxTransactions;
    };
    const replicas = this.#inTurn();
    const all = replicas.reduce((sum, { partitions }) => sum + partitions, 0);
    const withMore: string[] = [];
    for (const { id, partitions } of replicas) {
      const hasMore = await ask(id, Math.max(1, Math.floor((room * partitions) / all)));
      if (hasMore) withMore.push(id);
    }
    for (const id of withMore) await ask(id, room);
    return taken;
  }

  #inTurn(): Replica[] {
    const now = performance.now();
    for (const { id, heardMs } of this.#replicas.values()) {
      if (now - heardMs > SILENT_AFTER_MS) this.#replicas.delete(id);
    }
    const replicas = [...this.#replicas.values()]
      .filter(({ mayHave }) => mayHave)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (replicas.length === 0) return [];
    const first = this.#turn++ % replicas.length;
    return [...replicas.slice(first), ...replicas.slice(0, first)];
  }
}
