import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "@soma/base";
import { TextTokenizer } from "@soma/tokenizer";
import ort from "onnxruntime-node";
import { BATCH_LIMITS, planBatches } from "../../services/encoder/src/core/inference/batch-plan.ts";
import { itemRows } from "../../services/encoder/src/core/inference/item-rows.ts";
import { Embedder } from "../../services/encoder/src/shell/inference/embedder.ts";
import {
  loadModelFolder,
  loadTokenizerFolder,
} from "../../services/encoder/src/shell/inference/model-folder.ts";

const MODELS = join(import.meta.dirname, "../../models");
const ROUNDS = 5;
const settings = {
  chainId: "bench",
  lastBlock: new Uint8Array(32),
  beacon: new Uint8Array(32),
  modality: "text",
  masks: 8,
  maxTokens: 4096,
} as const;

/** `count` different texts of the shipped samples' lengths. */
export function sampleItems(count: number): Uint8Array[] {
  const folder = join(MODELS, "samples");
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8").trim());
  return Array.from({ length: count }, (_, i) => utf8(`${i} ${texts[i % texts.length]!}`));
}

export interface InferenceRates {
  readonly model: string;
  /** Rows (an item, or an item with a mask) a second: onnxruntime alone, and the encoder's embedder. */
  readonly raw: number;
  readonly embedder: number;
}

/** Rows a second, the best of some rounds. */
async function measure(rows: number, round: () => Promise<unknown>): Promise<number> {
  let best = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const began = performance.now();
    await round();
    best = Math.max(best, (1000 * rows) / (performance.now() - began));
  }
  return best;
}

/** One model in one session of one thread, on the very batches that the encoder makes. */
export async function inferenceRates(model: string): Promise<InferenceRates> {
  const tokenizer = loadTokenizerFolder(join(MODELS, "tokenizer"));
  const folder = loadModelFolder(join(MODELS, model), tokenizer);
  const items = sampleItems(224);
  const textTokenizer = await TextTokenizer.load(tokenizer.path);
  const rows = items.flatMap((item) => {
    const made = itemRows(item, textTokenizer.encode(item)!, tokenizer.maskId, settings);
    if (!made.ok) throw new Error(made.message);
    return made.value.rows;
  });
  const batches = planBatches(
    rows.map((row) => row.length),
    BATCH_LIMITS,
  );
  const session = await ort.InferenceSession.create(folder.graph, {
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const feeds = batches.map((batch) => {
    const ids = BigInt64Array.from(batch.rows.flatMap((row) => rows[row]!.map(BigInt)));
    return { [folder.input]: new ort.Tensor("int64", ids, [batch.rows.length, batch.length]) };
  });
  const raw = await measure(rows.length, async () => {
    for (const feed of feeds) await session.run(feed);
  });
  await session.release();
  const embedder = await Embedder.open({ model: folder, sessions: 1, threadsPerSession: 1 });
  const whole = await measure(rows.length, () => embedder.embed(items, settings));
  await embedder.close();
  return { model, raw, embedder: whole };
}
