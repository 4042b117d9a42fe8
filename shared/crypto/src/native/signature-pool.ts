import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { SomaError } from "@soma/base";
import { type SignatureItem, signatureCost } from "../signature-item.ts";
import { packItems, verifyItems } from "./signature-batch.ts";

/** What one message to a worker costs: about 10 ms of work, so that batches share the workers evenly. */
const CHUNK = 256;
/** Chunks at a worker at a time: one being verified, one waiting there. */
const IN_FLIGHT = 2;
/** What costs so little is decided where it is asked for, in 0.3 ms, when nothing waits: crossing takes as long. */
const AT_ONCE = 8;

interface Chunk {
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly cost: number;
  readonly settle: (decisions: Uint8Array | SomaError) => void;
}

export interface SignaturePoolOptions {
  /** Threads at most; as many as the machine runs at once, unless given. */
  readonly workers?: number;
  /** What is accepted and not yet decided costs, at most, in Ed25519 checks; beyond it a batch is refused. */
  readonly maxPending?: number;
}

/**
 * Verifies batches of signatures on worker threads with the verifier that decides (`nativeVerifier`): 24 000 Ed25519
 * ones a second and thread on the reference machine. A thread starts when there is work for it.
 */
export class SignaturePool {
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

  static async open(options: SignaturePoolOptions = {}): Promise<SignaturePool> {
    const { workers = availableParallelism(), maxPending = 65_536 } = options;
    if (!Number.isInteger(workers) || workers < 1) throw new RangeError("a pool has at least one worker");
    return new SignaturePool(workers, maxPending);
  }

  /**
   * One byte an item in their order, 1 for valid and 0 for not. The items' bytes are copied before it returns.
   * Rejects with CRYPTO_POOL_FULL above `maxPending` (nothing of the batch is then taken), CRYPTO_POOL_CLOSED
   * once closed, CRYPTO_POOL_FAILED when a worker broke: the pool is then of no more use.
   */
  async verifyBatch(items: readonly SignatureItem[]): Promise<Uint8Array> {
    if (this.#stopped !== undefined) throw this.#stopped;
    const cost = items.reduce((sum, item) => sum + signatureCost(item), 0);
    if (this.#pending + cost > this.#maxPending) {
      throw new SomaError("CRYPTO_POOL_FULL", "too many signatures wait", { pending: this.#pending });
    }
    if (cost <= AT_ONCE && this.#pending === 0) return verifyItems(items);
    const decisions = new Uint8Array(items.length);
    const parts: Promise<void>[] = [];
    for (let at = 0; at < items.length; ) {
      const from = at;
      let chunk = 0;
      while (at < items.length && chunk < CHUNK) chunk += signatureCost(items[at++]!);
      const decided = this.#enqueue(items.slice(from, at), chunk);
      parts.push(decided.then((some) => decisions.set(some, from)));
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

  #enqueue(items: readonly SignatureItem[], cost: number): Promise<Uint8Array> {
    this.#pending += cost;
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        packed: packItems(items),
        cost,
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
    const worker = new Worker(new URL("./signature-worker.ts", import.meta.url));
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
    this.#pending -= chunk.cost;
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
