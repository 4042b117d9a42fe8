import { parentPort, workerData } from "node:worker_threads";
import { SomaError } from "@soma/base";
import { quantise, vectorBytes } from "@soma/embedding";
import { TextTokenizer } from "@soma/tokenizer";
import { type BatchLimits, planBatches } from "../../core/inference/batch-plan.ts";
import { itemRows, type MaskSettings } from "../../core/inference/item-rows.ts";
import { type ProviderFallback, Session, type SessionOptions } from "./session.ts";

export interface EmbedThreadData extends SessionOptions {
  readonly limits: BatchLimits;
}

export interface EmbedRequest {
  readonly items: readonly Uint8Array[];
  readonly settings: MaskSettings;
}

/** Vectors of one item as in `ItemEmbedding`, and what it cost. */
export interface EmbeddedItem {
  readonly full: Uint8Array;
  readonly masks: readonly Uint8Array[];
  readonly inverses: readonly Uint8Array[];
  /** Tokens of the item. */
  readonly length: number;
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
  | { readonly kind: "embedded"; readonly items: readonly EmbeddedItem[]; readonly times: EmbedTimes }
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
  const rows: (readonly number[])[] = [];
  const counts: number[] = [];
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
    counts.push(made.value.masks);
    rows.push(...made.value.rows);
  }
  const tokenised = performance.now();
  const batches = planBatches(
    rows.map((row) => row.length),
    data.limits,
  );
  const vectors = new Array<Uint8Array>(rows.length);
  for (const batch of batches) {
    const pooled = await session.run(batch, (row) => rows[row]!);
    for (const [place, row] of batch.rows.entries()) {
      const quantised = quantise(pooled[place]!);
      if (!quantised.ok) {
        return { kind: "failed", item: null, code: "MODEL_OUTPUT", message: quantised.message };
      }
      vectors[row] = vectorBytes(quantised.value);
    }
  }
  let at = 0;
  const embedded = counts.map((masks): EmbeddedItem => {
    const first = at;
    at += 1 + 2 * masks;
    return {
      full: vectors[first]!,
      masks: vectors.slice(first + 1, first + 1 + masks),
      inverses: vectors.slice(first + 1 + masks, at),
      length: rows[first]!.length,
    };
  });
  const times = {
    tokenise: tokenised - began,
    infer: performance.now() - tokenised,
    batches: batches.map((batch) => batch.rows.length),
  };
  return { kind: "embedded", items: embedded, times };
}

port.on("message", (request: EmbedRequest | null) => {
  if (request === null) {
    // Released before the thread ends: the runtime's own threads must not outlive what they work on.
    void session.close().finally(() => port.close());
    return;
  }
  void embed(request)
    .catch((error: unknown): EmbedAnswer => {
      const code = error instanceof SomaError ? error.code : "MODEL_FAILED";
      const message = error instanceof Error ? error.message : String(error);
      return { kind: "failed", item: null, code, message };
    })
    .then((answer) => port.postMessage(answer));
});
port.postMessage({
  kind: "ready",
  provider: session.provider,
  fallbacks: session.fallbacks,
} satisfies EmbedAnswer);
