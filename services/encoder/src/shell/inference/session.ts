import { SomaError } from "@soma/base";
import { poolTokens } from "@soma/embedding";
import ort from "onnxruntime-node";
import type { Batch } from "../../core/inference/batch-plan.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Where a graph runs. `cpu` is always there; the others need their libraries beside onnxruntime. */
export const EXECUTION_PROVIDERS = ["cpu", "cuda", "tensorrt"] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

export interface SessionOptions {
  readonly model: ModelFolder;
  /** Tried in order; the first that a session can be made on is used. */
  readonly providers: readonly ExecutionProvider[];
  /** Threads of one session. More sessions scale better than more threads in one. */
  readonly threads: number;
}

/** A provider that was asked for and could not be had. */
export interface ProviderFallback {
  readonly provider: ExecutionProvider;
  readonly reason: string;
}

/** A model on an execution provider. It blocks its thread while it runs: use it in a worker thread. */
export class Session {
  readonly provider: ExecutionProvider;
  readonly fallbacks: readonly ProviderFallback[];
  readonly #model: ModelFolder;
  readonly #session: ort.InferenceSession;
  #tokens = new Float32Array(0);

  private constructor(
    model: ModelFolder,
    session: ort.InferenceSession,
    provider: ExecutionProvider,
    fallbacks: readonly ProviderFallback[],
  ) {
    this.#model = model;
    this.#session = session;
    this.provider = provider;
    this.fallbacks = fallbacks;
  }

  /** @throws SomaError MODEL_SESSION when no provider of the list can be had */
  static async open({ model, providers, threads }: SessionOptions): Promise<Session> {
    const fallbacks: ProviderFallback[] = [];
    for (const provider of providers) {
      try {
        const session = await ort.InferenceSession.create(model.graph, {
          executionProviders: [provider],
          // Another level gives other last bits, so it is part of what an encoder's vectors are.
          graphOptimizationLevel: "all",
          executionMode: "sequential",
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          // An arena keeps what one long item needed (gigabytes, with attention) for ever.
          enableCpuMemArena: false,
          enableMemPattern: false,
          logSeverityLevel: 4,
        });
        return new Session(model, session, provider, fallbacks);
      } catch (error) {
        fallbacks.push({ provider, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    throw new SomaError("MODEL_SESSION", `${model.name} runs on none of ${providers.join(", ")}`, {
      reasons: fallbacks.map((fallback) => `${fallback.provider}: ${fallback.reason}`).join("; "),
    });
  }

  /** The pooled vector of each row of the batch, in its order. @throws Error of the runtime, also on another shape */
  async run(batch: Batch, idsOf: (row: number) => Int32Array): Promise<Float64Array[]> {
    const { length, rows } = batch;
    const { dimension, input, output, pooling, tokenizer } = this.#model;
    const ids = new BigInt64Array(rows.length * length);
    // Ids are far below 2^31, and the runtime is built for little-endian machines alone: the low words are enough.
    const words = new Int32Array(ids.buffer);
    for (const [place, row] of rows.entries()) {
      const from = idsOf(row);
      for (let i = 0; i < length; i++) words[2 * (place * length + i)] = from[i]!;
    }
    const width = length * dimension;
    const tokens = this.#tokensOf(rows.length * width);
    await this.#session.run(
      { [input]: new ort.Tensor("int64", ids, [rows.length, length]) },
      { [output]: new ort.Tensor("float32", tokens, [rows.length, length, dimension]) },
    );
    return rows.map((row, place) =>
      poolTokens({
        tokens: tokens.subarray(place * width, (place + 1) * width),
        length,
        dimension,
        ids: idsOf(row),
        padId: tokenizer.padId,
        maskId: tokenizer.maskId,
        kind: pooling,
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  /** Room for token vectors, the same for every batch: memory that each would make anew is the collector's work. */
  #tokensOf(length: number): Float32Array {
    if (this.#tokens.length < length) this.#tokens = new Float32Array(length);
    return this.#tokens.subarray(0, length);
  }
}
