import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { SomaError } from "@soma/base";
import { type Ed25519Item, packBatch, verifyPacked } from "./ed25519-batch.ts";

/** What one message to a worker holds: about 10 ms of work, so that batches share the workers evenly. */
const CHUNK = 256;
/** Chunks at a worker at a time: one being verified, one waiting there. */
const IN_FLIGHT = 2;
/** So few are decided where they are asked for, in 0.3 ms, when nothing waits: crossing to a thread takes as long. */
const AT_ONCE = 8;

interface Chunk {
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly settle: (decisions: Uint8Array | SomaError) => void;
}

export interface Ed25519PoolOptions {
  /** Threads at most; as many as the machine runs at once, unless given. */
  readonly workers?: number;
  /** Items accepted and not yet decided, at most; beyond it a batch is refused. */
  readonly maxPending?: number;
}

/**
 * Verifies batches of Ed25519 signatures on worker threads with the verifier that decides (`verifyEd25519`):
 * 24 000 a second and thread on the reference machine. A thread starts when there is work for it.
 */
export class Ed25519Pool {
  readonly #workers: number;
  readonly #maxPending: number;
  readonly #waiting: Chunk[] = [];
  /** By worker, the chunks that it holds, in the order in which it will answer. */
  readonly #held = new Map<Worker, Chunk[]>();
  #pending = 0;
  #stopped: SomaError | undefined;

  private constructor(workers: number, maxPending: number) {
    this.#workers = workers;
    this.#maxPending = maxPending;
  }

  static async open(options: Ed25519PoolOptions = {}): Promise<Ed25519Pool> {
    const { workers = availableParallelism(), maxPending = 65_536 } = options;
    if (!Number.isInteger(workers) || workers < 1) throw new RangeError("a pool has at least one worker");
    return new Ed25519Pool(workers, maxPending);
  }

  /**
   * One byte an item in their order, 1 for valid and 0 for not. The items' bytes are copied before it returns.
   * Rejects with CRYPTO_POOL_FULL above `maxPending` (nothing of the batch is then taken), CRYPTO_POOL_CLOSED
   * once closed, CRYPTO_POOL_FAILED when a worker broke: the pool is then of no more use.
   */
  async verifyBatch(items: readonly Ed25519Item[]): Promise<Uint8Array> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#pending + items.length > this.#maxPending) {
      throw new SomaError("CRYPTO_POOL_FULL", "too many signatures wait", { pending: this.#pending });
    }
    if (items.length <= AT_ONCE && this.#pending === 0) return verifyPacked(packBatch(items));
    const decisions = new Uint8Array(items.length);
    const parts: Promise<void>[] = [];
    for (let at = 0; at < items.length; at += CHUNK) {
      const chunk = items.slice(at, at + CHUNK);
      parts.push(this.#enqueue(chunk).then((decided) => decisions.set(decided, at)));
    }
    this.#dispatch();
    await Promise.all(parts);
    return decisions;
  }

  /** Ends the threads; batches under way reject with CRYPTO_POOL_CLOSED. */
  async close(): Promise<void> {
    this.#stop(new SomaError("CRYPTO_POOL_CLOSED", "the pool is closed"));
    await Promise.all([...this.#held.keys()].map((worker) => worker.terminate()));
  }

  #enqueue(items: readonly Ed25519Item[]): Promise<Uint8Array> {
    this.#pending += items.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        packed: packBatch(items),
        count: items.length,
        settle: (outcome) => (outcome instanceof SomaError ? reject(outcome) : resolve(outcome)),
      });
    });
  }

  #dispatch(): void {
    for (;;) {
      const worker = this.#waiting.length === 0 ? undefined : this.#freest();
      if (worker === undefined) return;
      const chunk = this.#waiting.shift()!;
      this.#held.get(worker)!.push(chunk);
      worker.postMessage(chunk.packed, [chunk.packed.buffer]);
    }
  }

  /** The worker with the least to do, a new one rather than a busy one, or undefined when all have enough. */
  #freest(): Worker | undefined {
    let freest: Worker | undefined;
    let load = IN_FLIGHT;
    for (const [worker, held] of this.#held) {
      if (held.length >= load) continue;
      freest = worker;
      load = held.length;
    }
    return load > 0 && this.#held.size < this.#workers ? this.#start() : freest;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./ed25519-worker.ts", import.meta.url));
    this.#held.set(worker, []);
    worker.on("message", (decisions: Uint8Array) => this.#answered(worker, decisions));
    worker.on("error", (cause) =>
      this.#stop(new SomaError("CRYPTO_POOL_FAILED", "a worker failed", {}, { cause })),
    );
    worker.on("exit", () => this.#stop(new SomaError("CRYPTO_POOL_FAILED", "a worker ended")));
    return worker;
  }

  #answered(worker: Worker, decisions: Uint8Array): void {
    const chunk = this.#held.get(worker)?.shift();
    if (chunk === undefined) return;
    this.#pending -= chunk.count;
    chunk.settle(decisions);
    this.#dispatch();
  }

  #stop(reason: SomaError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    for (const held of this.#held.values()) this.#waiting.push(...held.splice(0));
    for (const chunk of this.#waiting.splice(0)) chunk.settle(reason);
    this.#pending = 0;
  }
}
