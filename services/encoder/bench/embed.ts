// How fast the embedder is beside bare onnxruntime: node services/encoder/bench/embed.ts [model] [sessions] [threads]
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "@soma/base";
import { TextTokenizer } from "@soma/tokenizer";
import ort from "onnxruntime-node";
import { BATCH_LIMITS, planBatches } from "../src/core/inference/batch-plan.ts";
import { itemRows } from "../src/core/inference/item-rows.ts";
import { Embedder } from "../src/shell/inference/embedder.ts";
import { loadModelFolder, loadTokenizerFolder } from "../src/shell/inference/model-folder.ts";

const models = join(import.meta.dirname, "../../../models");
const [name = "attn-2", sessions = "1", threads = "1"] = process.argv.slice(2);
const tokenizer = loadTokenizerFolder(join(models, "tokenizer"));
const model = loadModelFolder(join(models, name), tokenizer);
const samples = join(models, "samples");
const texts = readdirSync(samples).map((file) => readFileSync(join(samples, file), "utf8").trim());
const items = Array.from({ length: 8 }, () => texts)
  .flat()
  .map(utf8);
const settings = {
  chainId: "bench",
  lastBlock: new Uint8Array(32),
  beacon: new Uint8Array(32),
  modality: "text",
  masks: 8,
  maxTokens: 4096,
} as const;

/** Rows a second, the best of five rounds. */
async function measure(rows: number, round: () => Promise<unknown>): Promise<number> {
  let best = 0;
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await round();
    best = Math.max(best, (1000 * rows) / (performance.now() - began));
  }
  return best;
}

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

const raw = await ort.InferenceSession.create(model.graph, {
  graphOptimizationLevel: "all",
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
});
const feeds = batches.map((batch) => {
  const ids = BigInt64Array.from(batch.rows.flatMap((row) => rows[row]!.map(BigInt)));
  return { [model.input]: new ort.Tensor("int64", ids, [batch.rows.length, batch.length]) };
});
const bare = await measure(rows.length, async () => {
  for (const feed of feeds) await raw.run(feed);
});
await raw.release();

const embedder = await Embedder.open({
  model,
  sessions: Number(sessions),
  threadsPerSession: Number(threads),
});
const whole = await measure(rows.length, () => embedder.embed(items, settings));
await embedder.close();
console.log(
  `${name}: ${items.length} items, ${rows.length} rows in ${batches.length} batches; onnxruntime alone ` +
    `${bare.toFixed(0)} rows/s, embedder (${sessions} x ${threads}) ${whole.toFixed(0)} rows/s, ` +
    `${((100 * whole) / bare).toFixed(0)} %, ${((whole * items.length) / rows.length).toFixed(0)} items/s`,
);
