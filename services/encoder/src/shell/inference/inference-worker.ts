import { accept, reject, type Verdict } from "@soma/actor";
import { fromHex } from "@soma/base";
import { fetchBlob } from "@soma/client";
import {
  INLINE_VECTORS_BYTES,
  InferenceCompleted,
  InferenceRequested,
  InferenceStream,
  type Payload,
} from "@soma/contracts";
import { decodeItems, encodeEmbeddingBlob, MAX_ITEMS_BYTES, modalityOf } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { BlobFolder } from "@soma/storage";
import type { Telemetry } from "@soma/telemetry";
import type { Embedder } from "./embedder.ts";
import type { ModelFolder } from "./model-folder.ts";

type Request = Payload<typeof InferenceRequested>;
type Outcome = Parameters<typeof InferenceCompleted.encode>[0]["outcome"];

export interface InferenceWorkerDeps {
  readonly bus: Bus;
  readonly embedder: Embedder;
  readonly model: ModelFolder;
  readonly own: BlobFolder;
  readonly gateways: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly fetchTimeoutMs: number;
  readonly telemetry: Telemetry;
}

/** Answers, of up to 256 KiB, kept for an encoder that asks again because it was away when the first one came. */
const KEPT_ANSWERS = 8;

/** Takes inference requests from the operator's queue. Holds no state that matters: any worker may take any. */
export class InferenceWorker {
  readonly #deps: InferenceWorkerDeps;
  readonly #answers = new Map<string, Outcome>();
  readonly #running = new Map<string, Promise<Outcome | undefined>>();

  private constructor(deps: InferenceWorkerDeps) {
    this.#deps = deps;
  }

  /**
   * A job for each session, and one more whose items are fetched meanwhile; a request beyond those belongs to whoever
   * is free.
   */
  static async open(
    deps: InferenceWorkerDeps,
    options: { readonly sessions: number; readonly redeliverAfterMs: number },
  ): Promise<InferenceWorker> {
    const worker = new InferenceWorker(deps);
    await deps.bus.ensureStream(InferenceStream);
    await deps.bus.consume(
      InferenceRequested,
      {
        durable: "encoder",
        order: "none",
        maxInFlight: options.sessions + 1,
        ackWaitMs: options.redeliverAfterMs,
      },
      (request) => worker.#take(request),
    );
    return worker;
  }

  async #take(request: Request): Promise<Verdict> {
    const { bus, model } = this.#deps;
    if (request.dimension !== model.dimension) return reject("INFERENCE_DIMENSION");
    const key = `${request.job}-${request.attempt}`;
    const outcome = this.#answers.get(key) ?? (await this.#embedOnce(key, request));
    if (outcome === undefined) return reject("INFERENCE_ITEMS");
    if (outcome.$kind !== "Failed") {
      this.#answers.set(key, outcome);
      if (this.#answers.size > KEPT_ANSWERS) this.#answers.delete(this.#answers.keys().next().value!);
    }
    await bus.publish(InferenceCompleted, {}, { job: request.job, attempt: request.attempt, outcome });
    return accept;
  }

  /** An encoder that asks again while its job is in hand waits for the same answer. */
  async #embedOnce(key: string, request: Request): Promise<Outcome | undefined> {
    const running = this.#running.get(key) ?? this.#embed(request);
    this.#running.set(key, running);
    return running.finally(() => this.#running.delete(key));
  }

  /** Undefined when the bytes under the request's hash are no items: the encoder checked them, so never. */
  async #embed(request: Request): Promise<Outcome | undefined> {
    const { embedder, model, telemetry, own } = this.#deps;
    const attributes = { "soma.job": request.job };
    const modality = modalityOf(request.modality);
    if (modality === undefined) return bad("MASK_MODALITY");
    const blob = await telemetry.withSpan("fetch items", { attributes }, () => this.#items(request.data));
    if (blob === undefined) return failed("ITEMS_UNAVAILABLE");
    const items = decodeItems(blob);
    if (!items.ok) return undefined;
    const maxTokens = Math.min(request.maxTokens, model.maxTokens);
    return telemetry.withSpan("infer", { attributes }, async (span) => {
      const began = Date.now();
      const embedded = await embedder
        .embed(items.value, {
          chainId: request.chainId,
          lastBlock: fromHex(request.lastBlock),
          beacon: fromHex(request.beacon),
          modality,
          masks: request.masks,
          maxTokens,
        })
        .catch((error: unknown) => {
          telemetry.log.error({ job: request.job, error: String(error) }, "inference failed");
          return undefined;
        });
      if (embedded === undefined) return failed("MODEL_FAILED");
      if (!embedded.ok) {
        span.fail(embedded.code);
        return bad(embedded.code);
      }
      let tokenise = 0;
      let infer = 0;
      for (const times of embedded.value.times) {
        tokenise += times.tokenise;
        infer += times.infer;
      }
      span.set({ "soma.items": items.value.length });
      // Measured on the threads, which work on parts of the job in turn: their sums, told as if one after another.
      span.past("tokenise", began, began + tokenise);
      span.past("run model", began + tokenise, began + tokenise + infer);
      const { job, encoder } = request;
      const bytes = encodeEmbeddingBlob({
        job,
        encoder,
        dimension: model.dimension,
        items: embedded.value.items,
      });
      const masksOfItem = embedded.value.items.map((item) => item.masks.length);
      if (bytes.length <= INLINE_VECTORS_BYTES) {
        const vectors = { $kind: "Inline", Inline: bytes } as const;
        return { $kind: "Embedded", Embedded: { vectors, masksOfItem } } as Outcome;
      }
      const vectors = { $kind: "Stored", Stored: await own.put(bytes) } as const;
      return { $kind: "Embedded", Embedded: { vectors, masksOfItem } } as Outcome;
    });
  }

  async #items(hash: string): Promise<Uint8Array | undefined> {
    const { own, gateways, fetch, fetchTimeoutMs } = this.#deps;
    const here = await own.get(hash);
    if (here !== undefined) return here;
    return fetchBlob({ gateways, hash, maxBytes: MAX_ITEMS_BYTES, timeoutMs: fetchTimeoutMs, fetch });
  }
}

function bad(code: string): Outcome {
  return { $kind: "BadData", BadData: code } as Outcome;
}

function failed(code: string): Outcome {
  return { $kind: "Failed", Failed: code } as Outcome;
}
