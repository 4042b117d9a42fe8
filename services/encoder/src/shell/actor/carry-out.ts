import { blobGateways, fetchBlob, Http } from "@soma/client";
import { EvaluationRequested, InferenceRequested, SendToPeer } from "@soma/contracts";
import { encodeJobMessage, type Hex32, MAX_ITEMS_BYTES, maxBlobBytes } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { BlobFolder } from "@soma/storage";
import type { Telemetry } from "@soma/telemetry";
import { checkItems } from "../../core/check-items.ts";
import type { EncoderContext } from "../../core/context.ts";
import type { EncoderEffect } from "../../core/effect.ts";
import type { EncoderInput } from "../../core/input.ts";
import type { EncoderConfig } from "../config.ts";
import type { EncoderMetrics } from "../metrics.ts";
import type { EncoderStore } from "./store.ts";
import type { TransactionSender } from "./transaction-sender.ts";
import type { VectorsAhead } from "./vectors-ahead.ts";

export interface CarryOutDeps {
  readonly bus: Bus;
  readonly config: Pick<EncoderConfig, "fetchTimeout" | "vectorCopies">;
  readonly context: EncoderContext;
  readonly gateways: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly own: BlobFolder;
  readonly store: EncoderStore;
  readonly sender: TransactionSender;
  readonly ahead: VectorsAhead;
  readonly telemetry: Telemetry;
  readonly metrics: EncoderMetrics;
  readonly signal: AbortSignal;
  readonly give: (input: EncoderInput) => Promise<unknown>;
}

type Effect<K extends EncoderEffect["kind"]> = Extract<EncoderEffect, { kind: K }>;

/** Carries the core's effects to the bus, the gateways and the ledger. */
export class CarryOut {
  readonly #deps: CarryOutDeps;
  /** Vectors that are on enough gateways already. */
  readonly #published = new Set<Hex32>();

  constructor(deps: CarryOutDeps) {
    this.#deps = deps;
  }

  /** Transactions are handed to their sender and not waited for. @throws what the bus or a gateway throws */
  async run(effect: EncoderEffect): Promise<void> {
    switch (effect.kind) {
      case "send":
        return this.#send(effect);
      case "fetch-items":
        return this.#fetchItems(effect);
      case "request-inference":
        return this.#requestInference(effect);
      case "publish-vectors":
        return this.#publishVectors(effect);
      case "fetch-vectors": {
        const maxBytes = maxBlobBytes(effect.masksOfItem, this.#deps.context.parameters.embeddingDimension);
        this.#deps.ahead.want({ job: effect.job, vectors: effect.vectors, maxBytes });
        return;
      }
      case "request-evaluation":
        return this.#requestEvaluation(effect);
      case "submit":
        this.#submit(effect.job, effect.post, effect.transaction);
        return;
      case "submit-final-proof":
        return this.#submitFinalProof(effect);
      case "note":
        this.#deps.metrics.milestones.add(1, { milestone: effect.milestone });
        this.#deps.telemetry.log.info({ job: effect.job }, `job ${effect.milestone}`);
        return;
      case "alarm":
        this.#deps.metrics.alarms.add(1, { code: effect.code });
        this.#deps.telemetry.log.error({ job: effect.job, code: effect.code }, "what must not happen");
        return;
      case "forget":
      case "keep-finals":
        return this.#deps.ahead.drop(effect.job);
      case "keep-vectors":
        return;
    }
  }

  async #send({ job, mailboxes, peers, message }: Effect<"send">): Promise<void> {
    const to = async (recipient: Hex32, mailbox: Hex32) => {
      const body = encodeJobMessage({ job, mailbox, message });
      await this.#deps.bus.publish(SendToPeer, { type: "job-message" }, { recipient, body });
    };
    for (const mailbox of mailboxes) await to(mailbox, mailbox);
    for (const peer of peers) await to(peer, mailboxes.at(-1) ?? peer);
  }

  async #fetchItems(effect: Effect<"fetch-items">): Promise<void> {
    const { own, gateways, fetch, config, signal, give } = this.#deps;
    const { job, attempt, data } = effect;
    const blob =
      (await own.get(data)) ??
      (await fetchBlob({
        gateways,
        hash: data,
        maxBytes: MAX_ITEMS_BYTES,
        timeoutMs: config.fetchTimeout,
        signal,
        fetch,
      }));
    if (blob === undefined) {
      if (!signal.aborted) await give({ kind: "items-fetched", job, attempt, data, outcome: "Unavailable" });
      return;
    }
    const outcome = checkItems(blob, effect);
    if (outcome === "ok") await own.put(blob);
    await give({ kind: "items-fetched", job, attempt, data, outcome });
  }

  async #requestInference(effect: Effect<"request-inference">): Promise<void> {
    const { bus, context } = this.#deps;
    const { job, attempt, ask, data, modality, lastBlock, beacon } = effect;
    const { masks, maxTokens, embeddingDimension: dimension } = context.parameters;
    const { chainId, encoder } = context;
    await bus.publish(
      InferenceRequested,
      {},
      { job, attempt, ask, data, modality, lastBlock, beacon, masks, maxTokens, dimension, chainId, encoder },
    );
  }

  async #publishVectors({ job, vectors }: Effect<"publish-vectors">): Promise<void> {
    const { store, own, gateways, fetch, config, signal, telemetry } = this.#deps;
    if (this.#published.has(vectors)) return;
    const blob = await store.bulk(job, "vectors");
    if (blob === undefined) throw new Error("the vectors that were committed to are gone");
    const put = async (gateway: string): Promise<boolean> => {
      const options = { retries: 0, timeoutMs: config.fetchTimeout, signal, fetch };
      const http = new Http({ gateways: [gateway], ...options });
      try {
        const contentType = "application/octet-stream";
        await http.request({ method: "PUT", path: `/v1/blobs/${vectors}`, body: blob, contentType });
        return true;
      } catch (error) {
        telemetry.log.warn({ job, gateway, error: String(error) }, "vectors were not taken");
        return false;
      }
    };
    const rest = blobGateways(gateways, vectors);
    let copies = 0;
    /** One copy: on the next gateway, and where that does not take it on the one after. */
    const copy = async (): Promise<void> => {
      for (let gateway = rest.shift(); gateway !== undefined && !signal.aborted; gateway = rest.shift()) {
        if (!(await put(gateway))) continue;
        copies++;
        return;
      }
    };
    await Promise.all([own.put(blob), ...Array.from({ length: config.vectorCopies }, copy)]);
    if (copies === 0) throw new Error("no gateway takes the vectors");
    this.#published.add(vectors);
    if (this.#published.size > 1024) this.#published.delete(this.#published.values().next().value!);
  }

  async #requestEvaluation(effect: Effect<"request-evaluation">): Promise<void> {
    const { bus, context, gateways } = this.#deps;
    const { job, ask, selection, bundle, beacon, masksOfItem, reveals, selected } = effect;
    await bus.publish(
      EvaluationRequested,
      {},
      {
        chainId: context.chainId,
        job,
        ask,
        selection,
        bundle,
        beacon,
        masksOfItem: [...masksOfItem],
        dimension: context.parameters.embeddingDimension,
        meanNormSquared: context.meanNormSquared,
        reveals: [...reveals],
        selected: [...selected],
        gateways: [...gateways],
      },
    );
  }

  async #submitFinalProof(effect: Effect<"submit-final-proof">): Promise<void> {
    const finals = await this.#deps.store.bulk(effect.job, "finals");
    if (finals === undefined) throw new Error("the final vectors of our evaluation are gone");
    const { result, signers, aggregateSignature } = effect;
    this.#submit(effect.job, "FinalProof", { FinalProof: { result, finals, signers, aggregateSignature } });
  }

  #submit(job: Hex32, post: string, kind: Parameters<TransactionSender["send"]>[0]): void {
    const { sender, metrics, telemetry } = this.#deps;
    void sender.send(kind).then((outcome) => {
      metrics.posts.add(1, { post, outcome });
      telemetry.log.info({ job, post, outcome }, "transaction about a job");
      if (post === "FinalProof" && outcome === "OK") metrics.milestones.add(1, { milestone: "proved" });
    });
  }
}
