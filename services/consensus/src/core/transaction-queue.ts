import { BLOCK_LIMITS } from "@soma/protocol";
import type { ConsensusBounds } from "./bounds.ts";

/** Own transactions that wait for a block, oldest first, bounded in number and bytes (CONS-11). */
export class TransactionQueue {
  readonly #bounds: ConsensusBounds;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(bounds: ConsensusBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Takes all or none. `too-large`: one of them fits no block. */
  offer(transactions: readonly Uint8Array[]): "taken" | "full" | "too-large" {
    if (transactions.some(({ length }) => length > BLOCK_LIMITS.transactionBytes)) return "too-large";
    const bytes = transactions.reduce((sum, { length }) => sum + length, 0);
    if (this.#waiting.length + transactions.length > this.#bounds.queuedTransactions) return "full";
    if (this.#bytes + bytes > this.#bounds.queuedTransactionBytes) return "full";
    this.#waiting.push(...transactions);
    this.#bytes += bytes;
    return "taken";
  }

  /** The oldest that fit one block (CONS-2). */
  take(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#waiting) {
      if (count === BLOCK_LIMITS.transactions || bytes + length > BLOCK_LIMITS.totalTransactionBytes) break;
      bytes += length;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}
