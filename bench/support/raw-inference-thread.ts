import { parentPort, workerData } from "node:worker_threads";
import ort from "onnxruntime-node";

/** Batches of one model, for onnxruntime and nothing else. */
export interface RawInference {
  readonly graph: string;
  readonly input: string;
  readonly batches: readonly { readonly shape: readonly [number, number]; readonly ids: BigInt64Array }[];
  readonly milliseconds: number;
}

const { graph, input, batches, milliseconds } = workerData as RawInference;
const port = parentPort!;
const session = await ort.InferenceSession.create(graph, {
  graphOptimizationLevel: "all",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});
const feeds = batches.map(({ shape, ids }) => ({
  rows: shape[0],
  feed: { [input]: new ort.Tensor("int64", ids, shape) },
}));

async function run(until: number): Promise<number> {
  let rows = 0;
  for (;;) {
    for (const { rows: some, feed } of feeds) {
      if (performance.now() >= until) return rows;
      await session.run(feed);
      rows += some;
    }
  }
}

// The first rounds of a session are slower: its memory grows.
await run(performance.now() + milliseconds / 4);
port.postMessage("ready");
port.once("message", async () => {
  const began = performance.now();
  const rows = await run(began + milliseconds);
  const seconds = (performance.now() - began) / 1000;
  await session.release();
  port.postMessage(rows / seconds);
});
