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
}

/**
 * Pulls transactions from every replica of the mempool: first each one's part of the room, by how much of the senders
 * it has, then what is left from those that have more. Who comes first changes from pull to pull, so that a
 * transaction as large as half a block finds its turn.
 */
export class TransactionPull {
  readonly #bus: Bus;
  readonly #onTraces: (header: string | undefined) => void;
  readonly #replicas = new Map<string, Replica>();
  #turn = 0;

  private constructor(bus: Bus, onTraces: (header: string | undefined) => void) {
    this.#bus = bus;
    this.#onTraces = onTraces;
  }

  /** @param onTraces is given the header that says which traces the transactions belong to */
  static async open(bus: Bus, onTraces: (header: string | undefined) => void): Promise<TransactionPull> {
    const pull = new TransactionPull(bus, onTraces);
    await bus.subscribe(MempoolReplica, {}, ({ replica, partitions }) => {
      if (partitions.length === 0) pull.#replicas.delete(replica);
      else {
        const heardMs = performance.now();
        pull.#replicas.set(replica, { id: replica, partitions: partitions.length, heardMs });
      }
    });
    return pull;
  }

  /** At most `room` transactions, as many bytes as a block holds. */
  async take(room: number): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    let bytes = 0;
    const ask = async (replica: Replica, most: number): Promise<boolean> => {
      const maxTransactions = Math.min(most, room - taken.length);
      const maxBytes = BLOCK_LIMITS.totalTransactionBytes - bytes;
      if (maxTransactions <= 0 || maxBytes <= 0) return false;
      const batch = await this.#bus.request(
        TakeBatch,
        { replica: replica.id },
        { maxTransactions, maxBytes },
        {
          failFast: true,
          timeoutMs: ANSWERS_WITHIN_MS,
          onHeaders: (header) => this.#onTraces(header(HEADER.traces)),
        },
      );
      if (!batch.ok) {
        // It is asked again when it says that it lives.
        this.#replicas.delete(replica.id);
        return false;
      }
      taken.push(...batch.value);
      for (const transaction of batch.value) bytes += transaction.length;
      return batch.value.length === maxTransactions;
    };
    const replicas = this.#inTurn();
    const all = replicas.reduce((sum, { partitions }) => sum + partitions, 0);
    const withMore: Replica[] = [];
    for (const replica of replicas) {
      const hasMore = await ask(replica, Math.ceil((room * replica.partitions) / all));
      if (hasMore) withMore.push(replica);
    }
    for (const replica of withMore) await ask(replica, room);
    return taken;
  }

  #inTurn(): Replica[] {
    const now = performance.now();
    for (const { id, heardMs } of this.#replicas.values()) {
      if (now - heardMs > SILENT_AFTER_MS) this.#replicas.delete(id);
    }
    const replicas = [...this.#replicas.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    if (replicas.length === 0) return [];
    const first = this.#turn++ % replicas.length;
    return [...replicas.slice(first), ...replicas.slice(0, first)];
  }
}
