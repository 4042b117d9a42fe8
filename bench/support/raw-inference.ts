import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { utf8 } from "@soma/base";
import { TextTokenizer } from "@soma/tokenizer";
import { BATCH_LIMITS, planBatches } from "../../services/encoder/src/core/inference/batch-plan.ts";
import { itemRows } from "../../services/encoder/src/core/inference/item-rows.ts";
import { Embedder } from "../../services/encoder/src/shell/inference/embedder.ts";
import {
  loadModelFolder,
  loadTokenizerFolder,
  type ModelFolder,
} from "../../services/encoder/src/shell/inference/model-folder.ts";
import type { RawInference } from "./raw-inference-thread.ts";

const MODELS = join(import.meta.dirname, "../../models");
const MILLISECONDS = 1_500;
const ITEMS = 112;
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
  /** Rows of an item: itself, its masks and their inverses, on the average (GAME-3). */
  readonly rowsPerItem: number;
  /**
   * Rows a second with one session of one thread on every core at the same time: onnxruntime alone, and the encoder's
   * embedder, which tokenises, draws masks, pools and quantises too.
   */
  readonly raw: number;
  readonly embedder: number;
}

/** One model, on the very batches that the encoder makes. */
export async function inferenceRates(model: string): Promise<InferenceRates> {
  const tokenizer = loadTokenizerFolder(join(MODELS, "tokenizer"));
  const folder = loadModelFolder(join(MODELS, model), tokenizer);
  const items = sampleItems(ITEMS);
  const textTokenizer = await TextTokenizer.load(tokenizer.path);
  const rows = items.flatMap((item) => {
    const made = itemRows(item, textTokenizer.encode(item)!, tokenizer.maskId, settings);
    if (!made.ok) throw new Error(made.message);
    return made.value.rows;
  });
  const raw = await rawRate(folder, rows);
  const embedder = await embedderRate(folder, items, rows.length);
  return { model, rowsPerItem: rows.length / items.length, raw, embedder };
}

async function rawRate(model: ModelFolder, rows: readonly Int32Array[]): Promise<number> {
  const planned = planBatches(
    rows.map((row) => row.length),
    BATCH_LIMITS,
  );
  const batches = planned.map((batch) => ({
    shape: [batch.rows.length, batch.length] as const,
    ids: BigInt64Array.from(batch.rows.flatMap((row) => Array.from(rows[row]!, BigInt))),
  }));
  const workerData: RawInference = {
    graph: model.graph,
    input: model.input,
    batches,
    milliseconds: MILLISECONDS,
  };
  const url = new URL("./raw-inference-thread.ts", import.meta.url);
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(url, { workerData }));
  const ended = workers.map((worker) => once(worker, "exit"));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const rates = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.postMessage("go");
  const sum = (await Promise.all(rates)).reduce((total, [rate]) => total + (rate as number), 0);
  await Promise.all(ended);
  return sum;
}

async function embedderRate(model: ModelFolder, items: readonly Uint8Array[], rows: number): Promise<number> {
  const embedder = await Embedder.open({ model, sessions: availableParallelism() });
  await embedder.embed(items.slice(0, items.length / 4), settings);
  const began = performance.now();
  let jobs = 0;
  // A job a session is always waiting, as under load.
  const run = async (): Promise<void> => {
    while (performance.now() - began < MILLISECONDS) {
      await embedder.embed(items, settings);
      jobs++;
    }
  };
  await Promise.all([run(), run()]);
  const seconds = (performance.now() - began) / 1000;
  await embedder.close();
  return (jobs * rows) / seconds;
}
