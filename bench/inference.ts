import { availableParallelism } from "node:os";
import { join } from "node:path";
import { embed, GatewayClient } from "@soma/client";
import { AccountKey, loadKeyFile } from "@soma/identity";
import { BenchNetwork } from "./support/network.ts";
import { type InferenceRates, inferenceRates, sampleItems } from "./support/raw-inference.ts";

const BASE_PORT = 8500;
const ENCODERS = 8;
const MODELS = [
  "attn-2",
  "attn-deep",
  "attn-usage",
  "bigru",
  "context-gate",
  "conv-glu",
  "dilated-conv",
  "salience",
];
/** Jobs at once, so that there is always an item to embed. */
const JOBS = 4;
const ITEMS = 240;
/** An item and its masked copies (MASK-2). */
const ROWS_PER_ITEM = 9;

export interface InferenceResult {
  readonly models: readonly InferenceRates[];
  /** Seconds of one core for the rows of all jobs in all models, by onnxruntime alone. */
  readonly rawSeconds: number;
  /** Seconds that encoders spent in inference, all together. */
  readonly inferSeconds: number;
  /** Seconds from the first offer to the last commit. */
  readonly seconds: number;
  readonly itemsPerSecond: number;
  /** Items a second by onnxruntime alone with every core at work. */
  readonly rawItemsPerSecond: number;
  readonly ratio: number;
}

/** Embeddings a second through a whole network on this machine, beside onnxruntime alone with the same rows. */
export async function benchInference(say: (text: string) => void): Promise<InferenceResult> {
  const models: InferenceRates[] = [];
  for (const model of MODELS) {
    models.push(await inferenceRates(model));
    const { raw, embedder } = models.at(-1)!;
    say(`${model}: ${raw.toFixed(0)} rows/s alone, embedder ${((100 * embedder) / raw).toFixed(0)} %`);
  }
  const network = await BenchNetwork.open({
    validators: 4,
    encoders: ENCODERS,
    senders: JOBS,
    basePort: BASE_PORT,
    processes: "operator",
    parameters: { epochLength: 3_600_000n },
  });
  try {
    await runJobs(network, 1, 28, () => {});
    const before = await inferred(network);
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    say(`${JOBS} jobs of ${ITEMS} items`);
    await runJobs(network, JOBS, ITEMS, (stage) => {
      if (stage === "drawn") first = Math.min(first, performance.now());
      if (stage === "committed") last = performance.now();
    });
    const after = await inferred(network);
    const seconds = (last - first) / 1000;
    const items = after.items - before.items;
    const rows = (items / ENCODERS) * ROWS_PER_ITEM;
    const rawSeconds = models.reduce((sum, { raw }) => sum + rows / raw, 0);
    const rawItemsPerSecond = (items / rawSeconds) * availableParallelism();
    return {
      models,
      rawSeconds,
      inferSeconds: after.seconds - before.seconds,
      seconds,
      itemsPerSecond: items / seconds,
      rawItemsPerSecond,
      ratio: items / seconds / rawItemsPerSecond,
    };
  } finally {
    await network.close();
  }
}

/** Items and seconds of inference so far, over all encoders. */
async function inferred(network: BenchNetwork): Promise<{ items: number; seconds: number }> {
  const total = async (family: string) =>
    [...(await network.metric(family)).values()].flatMap((samples) => [...samples.values()]).reduce(sum, 0);
  return {
    items: await total("soma_encoder_items_total"),
    seconds: await total("soma_encoder_infer_seconds_sum"),
  };
}

const sum = (a: number, b: number) => a + b;

let journals = 0;

async function runJobs(
  network: BenchNetwork,
  jobs: number,
  items: number,
  onStage: (stage: string) => void,
): Promise<void> {
  const { devnet, senders, gateways, folder } = network;
  const wallet = AccountKey.fromSeed(loadKeyFile(devnet.plan.walletFile, "account").seed);
  await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const number = journals++;
      return embed(
        sampleItems(items).map((item) => Buffer.concat([item, Buffer.from(` ${number}`)])),
        [],
        {
          client: new GatewayClient({
            gateways: [...gateways.slice(job % 4), ...gateways.slice(0, job % 4)],
          }),
          genesis: devnet.genesis,
          account: jobs === 1 ? wallet : senders[job]!,
          journalPath: join(folder, "jobs", `${number}.json`),
          commitGraceMs: 60_000,
          onProgress: ({ stage }) => onStage(stage),
        },
      );
    }),
  );
}
