import { Worker } from "node:worker_threads";
import { err, ok, type Result, SomaError } from "@soma/base";
import { firstMessage } from "@soma/runtime";
import { BATCH_LIMITS, type BatchLimits } from "../../core/inference/batch-plan.ts";
import type { MaskSettings } from "../../core/inference/item-rows.ts";
import type { EmbedAnswer, EmbedRequest, EmbedThreadData, EmbedTimes } from "./embed-thread.ts";
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
  /** Told of every part of a job that is embedded: its items, and what it cost. */
  readonly onPart?: (items: number, times: EmbedTimes) => void;
}

/** Vectors of one item as in `ItemEmbedding`, views of one buffer. */
export interface EmbeddedItem {
  readonly full: Uint8Array;
  readonly masks: readonly Uint8Array[];
  readonly inverses: readonly Uint8Array[];
  /** Tokens of the item. */
  readonly length: number;
}

/** The items' vectors in their order. */
export interface Embedded {
  readonly items: readonly EmbeddedItem[];
  /** One entry for each part. */
  readonly times: readonly EmbedTimes[];
}

/** How many parts of a job a thread gets, so that the last one does not wait long for one thread. */
const PARTS_PER_THREAD = 2;
/** Parts that lie with a thread: the next one is there when it ends one, however busy this thread is. */
const PARTS_AHEAD = 2;

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
  /** Of the parts that lie with it, in the order in which it answers. */
  readonly settles: ((answer: EmbedAnswer | SomaError) => void)[];
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
  readonly #dimension: number;
  readonly #onPart: EmbedderOptions["onPart"];
  readonly #threads: readonly Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];
  readonly #failure = Promise.withResolvers<SomaError>();
  #stopped: SomaError | undefined;

  private constructor(
    threads: readonly Thread[],
    { model, onPart }: EmbedderOptions,
    { provider, fallbacks }: Extract<EmbedAnswer, { kind: "ready" }>,
  ) {
    this.#dimension = model.dimension;
    this.#onPart = onPart;
    this.#threads = threads;
    this.provider = provider;
    this.fallbacks = fallbacks;
    this.failed = this.#failure.promise;
    for (const thread of threads) {
      thread.worker.on("message", (answer: EmbedAnswer) => thread.settles.shift()?.(answer));
      const stop = (cause: unknown) => this.#stop(thread, cause);
      thread.worker.on("error", stop);
      thread.worker.on("exit", (code) => stop(new Error(`exit code ${code}`)));
    }
  }

  /** @throws SomaError EMBEDDER_START when a thread cannot load the model, or it fails its self-test (the cause's code) */
  static async open(options: EmbedderOptions): Promise<Embedder> {
    const { model, sessions = 1, threadsPerSession = 1 } = options;
    const data: EmbedThreadData = {
      model,
      providers: options.providers ?? ["cpu"],
      threads: threadsPerSession,
      limits: options.limits ?? BATCH_LIMITS,
    };
    const url = new URL("./embed-thread.ts", import.meta.url);
    const workers = Array.from(
      { length: sessions },
      () => new Worker(url, { name: "inference", workerData: data }),
    );
    try {
      const ready = await Promise.all(workers.map((worker) => started(worker)));
      const threads = workers.map(
        (worker): Thread => ({
          worker,
          // A thread that broke ends too.
          ended: new Promise((resolve) => worker.once("exit", resolve)),
          settles: [],
        }),
      );
      return new Embedder(threads, options, ready[0]!);
    } catch (cause) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SomaError("EMBEDDER_START", `the model ${model.name} cannot be run: ${why}`, {}, { cause });
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
      embedded.push(...itemsOf(answer, this.#dimension));
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
    const thread = this.#free() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    const answer = await new Promise<EmbedAnswer | SomaError>((resolve) => {
      if (this.#stopped !== undefined) {
        resolve(this.#stopped);
        return;
      }
      thread.settles.push(resolve);
      thread.worker.postMessage(request);
    });
    this.#waiting.shift()?.(thread);
    if (answer instanceof SomaError) throw answer;
    if (answer.kind === "embedded") this.#onPart?.(answer.lengths.length, answer.times);
    return answer;
  }

  /** The thread with the fewest parts, if it takes another one. */
  #free(): Thread | undefined {
    const least = this.#threads.reduce((a, b) => (b.settles.length < a.settles.length ? b : a));
    return least.settles.length < PARTS_AHEAD ? least : undefined;
  }

  #stop(thread: Thread, cause: unknown): void {
    if (this.#stopped === undefined) {
      this.#stopped = new SomaError("EMBEDDER_STOPPED", "an inference thread ended", {}, { cause });
      this.#failure.resolve(this.#stopped);
    }
    for (const settle of thread.settles.splice(0)) settle(this.#stopped);
  }
}

function itemsOf(
  { vectors, masks, lengths }: Extract<EmbedAnswer, { kind: "embedded" }>,
  dimension: number,
): EmbeddedItem[] {
  let at = 0;
  const vector = (): Uint8Array => {
    const from = at;
    at += 2 * dimension;
    return vectors.subarray(from, at);
  };
  return masks.map((count, item) => ({
    full: vector(),
    masks: Array.from({ length: count }, vector),
    inverses: Array.from({ length: count }, vector),
    length: lengths[item]!,
  }));
}

async function started(worker: Worker): Promise<Extract<EmbedAnswer, { kind: "ready" }>> {
  const answer = await firstMessage<EmbedAnswer>(worker);
  if (answer.kind === "failed") throw new SomaError(answer.code, answer.message);
  if (answer.kind !== "ready") throw new Error("its thread did not start");
  return answer;
}
