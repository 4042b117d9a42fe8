import { parentPort, workerData } from "node:worker_threads";
import { SomaError } from "@soma/base";
import { quantise, vectorBytes } from "@soma/embedding";
import { TextTokenizer } from "@soma/tokenizer";
import { type BatchLimits, planBatches } from "../../core/inference/batch-plan.ts";
import { itemRows, type MaskSettings } from "../../core/inference/item-rows.ts";
import { checkSelfTest, SELF_TEST_ITEMS, selfTestSettings } from "../../core/inference/self-test.ts";
import { type ProviderFallback, Session, type SessionOptions } from "./session.ts";

export interface EmbedThreadData extends SessionOptions {
  readonly limits: BatchLimits;
}

export interface EmbedRequest {
  readonly items: readonly Uint8Array[];
  readonly settings: MaskSettings;
}

export interface EmbedTimes {
  /** Milliseconds. */
  readonly tokenise: number;
  readonly infer: number;
  /** Rows of every batch. */
  readonly batches: readonly number[];
}

export type EmbedAnswer =
  | { readonly kind: "ready"; readonly provider: string; readonly fallbacks: readonly ProviderFallback[] }
  | {
      readonly kind: "embedded";
      /** `vectorBytes` of every item's vectors in order, full, masks, inverses: one buffer, handed over whole. */
      readonly vectors: Uint8Array;
      /** Of each item. */
      readonly masks: readonly number[];
      readonly lengths: readonly number[];
      readonly times: EmbedTimes;
    }
  /** `item` is set when the data is at fault, null when the model or the machine is. */
  | {
      readonly kind: "failed";
      readonly item: number | null;
      readonly code: string;
      readonly message: string;
    };

const data = workerData as EmbedThreadData;
const port = parentPort!;
const tokenizer = await TextTokenizer.load(data.model.tokenizer.path);
const session = await Session.open(data);

async function embed({ items, settings }: EmbedRequest): Promise<EmbedAnswer> {
  const began = performance.now();
  const rows: Int32Array[] = [];
  const masks: number[] = [];
  const lengths: number[] = [];
  for (const [index, item] of items.entries()) {
    const ids = tokenizer.encode(item);
    if (ids === undefined) {
      return {
        kind: "failed",
        item: index,
        code: "ITEM_NOT_UTF8",
        message: `item ${index} is no UTF-8 text`,
      };
    }
    const made = itemRows(item, ids, data.model.tokenizer.maskId, settings);
    if (!made.ok) return { kind: "failed", item: index, code: made.code, message: made.message };
    masks.push(made.value.masks);
    lengths.push(ids.length);
    rows.push(...made.value.rows);
  }
  const tokenised = performance.now();
  const batches = planBatches(
    rows.map((row) => row.length),
    data.limits,
  );
  const { dimension } = data.model;
  const vectors = new Int16Array(rows.length * dimension);
  for (const batch of batches) {
    const pooled = await session.run(batch, (row) => rows[row]!);
    for (const [place, row] of batch.rows.entries()) {
      const quantised = quantise(pooled[place]!);
      if (!quantised.ok) {
        return { kind: "failed", item: null, code: "MODEL_OUTPUT", message: quantised.message };
      }
      vectors.set(quantised.value, row * dimension);
    }
  }
  const times = {
    tokenise: tokenised - began,
    infer: performance.now() - tokenised,
    batches: batches.map((batch) => batch.rows.length),
  };
  return { kind: "embedded", vectors: vectorBytes(vectors), masks, lengths, times };
}

/** One part after another: the runtime would take turns with them, and none would end sooner. */
let tail: Promise<void> = Promise.resolve();

function embedOrFail(request: EmbedRequest): Promise<EmbedAnswer> {
  return embed(request).catch((error: unknown): EmbedAnswer => {
    const code = error instanceof SomaError ? error.code : "MODEL_FAILED";
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "failed", item: null, code, message };
  });
}

async function answer(request: EmbedRequest): Promise<void> {
  const made = await embedOrFail(request);
  port.postMessage(made, made.kind === "embedded" ? [made.vectors.buffer as ArrayBuffer] : []);
}

/** So often that V8 has compiled what the first job will run: cold, it takes half as long again. */
const SELF_TESTS = 4;

/** Embeds as for a job: what a model or a provider gets wrong shows before somebody pays for it. */
async function selfTest(): Promise<EmbedAnswer> {
  const request = { items: SELF_TEST_ITEMS, settings: selfTestSettings(data.model.maxTokens) };
  for (let i = 0; i < SELF_TESTS; i++) {
    const answer = await embedOrFail(request);
    if (answer.kind !== "embedded") return answer;
    const checked = checkSelfTest(answer, data.model.dimension);
    if (!checked.ok) return { kind: "failed", item: null, code: checked.code, message: checked.message };
  }
  return { kind: "ready", provider: session.provider, fallbacks: session.fallbacks };
}

port.on("message", (request: EmbedRequest | null) => {
  tail = tail.then(async () => {
    if (request !== null) return answer(request);
    // Released before the thread ends: the runtime's own threads must not outlive what they work on.
    await session.close().finally(() => port.close());
  });
});
port.postMessage(await selfTest());
