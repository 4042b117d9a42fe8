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

  /** The pooled vector of each row of the batch, in its order. @throws SomaError MODEL_OUTPUT on another shape */
  async run(batch: Batch, idsOf: (row: number) => readonly number[]): Promise<Float64Array[]> {
    const { length, rows } = batch;
    const { dimension, input, output, pooling, tokenizer } = this.#model;
    const ids = new BigInt64Array(rows.length * length);
    for (const [place, row] of rows.entries()) {
      const from = idsOf(row);
      for (let i = 0; i < length; i++) ids[place * length + i] = BigInt(from[i]!);
    }
    const outputs = await this.#session.run({ [input]: new ort.Tensor("int64", ids, [rows.length, length]) });
    const tokens = outputs[output]?.data;
    const width = length * dimension;
    if (!(tokens instanceof Float32Array) || tokens.length !== rows.length * width) {
      throw new SomaError("MODEL_OUTPUT", `${this.#model.name} gave another shape than its manifest says`);
    }
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
}
