import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { err, ok, type Result, SomaError } from "@soma/base";
import { BATCH_LIMITS, type BatchLimits } from "../../core/inference/batch-plan.ts";
import type { MaskSettings } from "../../core/inference/item-rows.ts";
import type { EmbedAnswer, EmbeddedItem, EmbedRequest, EmbedThreadData, EmbedTimes } from "./embed-thread.ts";
import type { ModelFolder } from "./model-folder.ts";
import type { ExecutionProvider, ProviderFallback } from "./session.ts";

export interface EmbedderOptions {
  readonly model: ModelFolder;
  /** Tried in order, default the CPU alone. */
  readonly providers?: readonly ExecutionProvider[];
  /** Threads with a session each, default 1. */
  readonly sessions?: number;
  /** Threads of one session, default 1. */
  readonly threadsPerSession?: number;
  readonly limits?: BatchLimits;
}

/** The items' vectors in their order. */
export interface Embedded {
  readonly items: readonly EmbeddedItem[];
  /** One entry for each thread that took part. */
  readonly times: readonly EmbedTimes[];
}

/** How many parts of a job a thread gets, so that the last one does not wait long for one thread. */
const PARTS_PER_THREAD = 2;

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
  settle: ((answer: EmbedAnswer | SomaError) => void) | undefined;
}

/**
 * Turns items into quantised vectors on worker threads. The bytes depend on the model, the settings and the item
 * alone: not on the batch, the other items, or the number of threads.
 */
export class Embedder {
  readonly provider: string;
  /** Providers that were asked for and could not be had. */
  readonly fallbacks: readonly ProviderFallback[];
  /** Settles when a thread ended by itself: nothing more will be embedded. */
  readonly failed: Promise<SomaError>;
  readonly #threads: readonly Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];
  readonly #idle: Thread[];
  readonly #failure = Promise.withResolvers<SomaError>();
  #stopped: SomaError | undefined;

  private constructor(threads: readonly Thread[], provider: string, fallbacks: readonly ProviderFallback[]) {
    this.#threads = threads;
    this.#idle = [...threads];
    this.provider = provider;
    this.fallbacks = fallbacks;
    this.failed = this.#failure.promise;
    for (const thread of threads) {
      thread.worker.on("message", (answer: EmbedAnswer) => thread.settle?.(answer));
      const stop = (cause: unknown) => this.#stop(thread, cause);
      thread.worker.on("error", stop);
      thread.worker.on("exit", (code) => stop(new Error(`exit code ${code}`)));
    }
  }

  /** @throws SomaError EMBEDDER_START when a thread cannot load the model */
  static async open(options: EmbedderOptions): Promise<Embedder> {
    const { model, sessions = 1, threadsPerSession = 1 } = options;
    const data: EmbedThreadData = {
      model,
      providers: options.providers ?? ["cpu"],
      threads: threadsPerSession,
      limits: options.limits ?? BATCH_LIMITS,
    };
    const url = new URL("./embed-thread.ts", import.meta.url);
    const workers = Array.from({ length: sessions }, () => new Worker(url, { workerData: data }));
    try {
      const ready = await Promise.all(workers.map((worker) => started(worker)));
      const threads = workers.map(
        (worker): Thread => ({
          worker,
          // A thread that broke ends too.
          ended: new Promise((resolve) => worker.once("exit", resolve)),
          settle: undefined,
        }),
      );
      return new Embedder(threads, ready[0]!.provider, ready[0]!.fallbacks);
    } catch (cause) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw new SomaError("EMBEDDER_START", `${model.name} cannot be run`, {}, { cause });
    }
  }

  /** Parts that wait for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Refusals: ITEM_NOT_UTF8, ITEM_TOO_LONG and those of `drawMasks` when an item is at fault. @throws SomaError
   * MODEL_*, EMBEDDER_STOPPED when the model or the machine is.
   */
  async embed(items: readonly Uint8Array[], settings: MaskSettings): Promise<Result<Embedded>> {
    const size = Math.max(1, Math.ceil(items.length / (this.#threads.length * PARTS_PER_THREAD)));
    const parts: Promise<EmbedAnswer>[] = [];
    for (let at = 0; at < items.length; at += size) {
      parts.push(this.#run({ items: items.slice(at, at + size), settings }));
    }
    const embedded: EmbeddedItem[] = [];
    const times: EmbedTimes[] = [];
    for (const [part, answer] of (await Promise.all(parts)).entries()) {
      if (answer.kind === "failed") {
        if (answer.item === null) throw new SomaError(answer.code, answer.message);
        return err(answer.code, `item ${part * size + answer.item}: ${answer.message}`);
      }
      if (answer.kind !== "embedded") continue;
      embedded.push(...answer.items);
      times.push(answer.times);
    }
    return ok({ items: embedded, times });
  }

  /** Lets the threads release their sessions and ends them. */
  async close(): Promise<void> {
    this.#stopped ??= new SomaError("EMBEDDER_STOPPED", "the embedder is closed");
    await Promise.all(
      this.#threads.map(async ({ worker, ended }) => {
        worker.postMessage(null);
        await ended;
      }),
    );
  }

  async #run(request: EmbedRequest): Promise<EmbedAnswer> {
    const thread = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    const answer = await new Promise<EmbedAnswer | SomaError>((resolve) => {
      if (this.#stopped !== undefined) {
        resolve(this.#stopped);
        return;
      }
      thread.settle = resolve;
      thread.worker.postMessage(request);
    });
    thread.settle = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) next(thread);
    else this.#idle.push(thread);
    if (answer instanceof SomaError) throw answer;
    return answer;
  }

  #stop(thread: Thread, cause: unknown): void {
    if (this.#stopped === undefined) {
      this.#stopped = new SomaError("EMBEDDER_STOPPED", "an inference thread ended", {}, { cause });
      this.#failure.resolve(this.#stopped);
    }
    thread.settle?.(this.#stopped);
  }
}

async function started(worker: Worker): Promise<Extract<EmbedAnswer, { kind: "ready" }>> {
  const [answer] = (await once(worker, "message")) as [EmbedAnswer];
  if (answer.kind !== "ready") throw new SomaError("EMBEDDER_START", "an inference thread did not start");
  return answer;
}
