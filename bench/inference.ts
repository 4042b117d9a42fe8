import { availableParallelism } from "node:os";
import { join } from "node:path";
import { embed, GatewayClient } from "@soma/client";
import { cpuSeconds } from "./support/cpu-time.ts";
import { BenchNetwork } from "./support/network.ts";
import { type InferenceRates, inferenceRates, sampleItems } from "./support/raw-inference.ts";

const CORES = availableParallelism();
const BASE_PORT = 8500;
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
/** Clients that each have a job in the network all the time: more than are between their commits and their end. */
const CLIENTS = 8;
const ITEMS = 240;
/** Jobs that must have closed before the window opens: by then every stage of a job is at work. */
const JOBS_BEFORE = 2;
const WINDOW_MS = 30_000;
/** Long enough for a slow machine: what is measured is work, not deadlines. */
const TIMEOUTS = { selectTimeout: 6_000, revealTimeout: 6_000, proofTimeout: 6_000 };

/** Where CPU goes in the window, in seconds of a core. */
type Shares = Readonly<Record<string, number>>;

export interface InferenceResult {
  readonly models: readonly InferenceRates[];
  /** Seconds of the window. */
  readonly seconds: number;
  /** Items embedded in it, counted once an encoder, and the same a second. */
  readonly items: number;
  readonly itemsPerSecond: number;
  /** Items a second by onnxruntime alone: same rows, models, batches, a thread on every core, all the time. */
  readonly rawItemsPerSecond: number;
  /** The network's items a second beside it. Whoever else uses the machine lowers it. */
  readonly ratio: number;
  /** Core-seconds of the window that the network and its clients took, of all there were. */
  readonly machineShare: number;
  readonly cpu: Shares;
  /** Core-seconds that onnxruntime alone needs for the window's items, of those that the inference threads took. */
  readonly inferenceEfficiency: number;
  /** Core-seconds of the inference threads, of all that the network and its clients took. */
  readonly inferenceShare: number;
  /** Their product: what `ratio` is on a machine that has nothing else to do and never waits. */
  readonly ratioOfCpu: number;
}

/**
 * Embeddings a second through a whole network on this machine, all of it, beside onnxruntime alone. The window opens
 * when the network is in its steady state, and closes while it still is: in it jobs are paid, embedded, revealed,
 * evaluated by every scorer and verified by their clients on the same cores.
 */
export async function benchInference(say: (text: string) => void): Promise<InferenceResult> {
  const models: InferenceRates[] = [];
  for (const model of MODELS) {
    models.push(await inferenceRates(model));
    const { raw, embedder } = models.at(-1)!;
    say(`${model}: ${raw.toFixed(0)} rows/s alone, embedder ${((100 * embedder) / raw).toFixed(0)} %`);
  }
  const network = await BenchNetwork.open({
    validators: 4,
    encoders: MODELS.length,
    senders: CLIENTS,
    basePort: BASE_PORT,
    processes: "few",
    parameters: { epochLength: 3_600_000n, ...TIMEOUTS },
  });
  try {
    const load = new Load(network, say);
    await load.closed(JOBS_BEFORE);
    say(`the window opens: ${WINDOW_MS / 1000} s with ${CLIENTS} jobs of ${ITEMS} items at a time`);
    const began = performance.now();
    const before = { items: await itemsOf(network), cpu: cpuOf(network) };
    await Promise.race([new Promise((resolve) => setTimeout(resolve, WINDOW_MS)), load.failed]);
    const after = { items: await itemsOf(network), cpu: cpuOf(network) };
    const seconds = (performance.now() - began) / 1000;
    load.stop();

    const items = after.items - before.items;
    const cpu: Record<string, number> = {};
    for (const [part, total] of after.cpu) cpu[part] = total - (before.cpu.get(part) ?? 0);
    // Every encoder embeds every item: one item a second of each takes so many seconds of all cores.
    const perItem = models.reduce((sum, { raw, rowsPerItem }) => sum + rowsPerItem / raw, 0) / models.length;
    const rawItemsPerSecond = 1 / perItem;
    const total = Object.values(cpu).reduce((sum, part) => sum + part, 0);
    const needed = items * perItem * CORES;
    return {
      models,
      seconds,
      items,
      itemsPerSecond: items / seconds,
      rawItemsPerSecond,
      ratio: items / seconds / rawItemsPerSecond,
      machineShare: total / (seconds * CORES),
      cpu,
      inferenceEfficiency: needed / cpu["inference"]!,
      inferenceShare: cpu["inference"]! / total,
      ratioOfCpu: needed / total,
    };
  } finally {
    await network.close();
  }
}

/** Items embedded so far, over all encoders. */
async function itemsOf(network: BenchNetwork): Promise<number> {
  const samples = [...(await network.metric("soma_encoder_items_total")).values()];
  return samples.flatMap((some) => [...some.values()]).reduce((sum, value) => sum + value, 0);
}

/** Core-seconds so far: an encoder's inference and evaluation threads, and what remains by process. */
function cpuOf(network: BenchNetwork): Map<string, number> {
  const operators = new Map(network.devnet.processes.map(({ pid, name }) => [pid, name]));
  return cpuSeconds(({ pid, command }, thread) => {
    if (pid === process.pid) return "clients";
    const operator = operators.get(pid);
    if (operator?.startsWith("v")) return "validators";
    if (operator !== undefined) {
      return thread === "inference" || thread === "evaluation" ? thread : "encoders' other threads";
    }
    return command.startsWith("postgres") ? "postgres" : command;
  });
}

/** Clients that pay for one job after another. */
class Load {
  /** Rejects when a job does not end as it should. */
  readonly failed: Promise<never>;
  readonly #network: BenchNetwork;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #jobs = 0;
  #closed = 0;
  readonly #stopping = new AbortController();

  constructor(network: BenchNetwork, say: (text: string) => void) {
    this.#network = network;
    const began = performance.now();
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    // Whoever waits for it hears of it; nobody may wait any more.
    promise.catch(() => {});
    for (let client = 0; client < CLIENTS; client++) {
      this.#pay(client, (job) =>
        say(`job ${job} closed after ${((performance.now() - began) / 1000).toFixed(1)} s`),
      ).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) reject(error);
      });
    }
  }

  /** Resolves when so many jobs have closed. */
  closed(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    return Promise.race([enough, this.failed]);
  }

  /** Leaves the jobs that are under way. */
  stop(): void {
    this.#stopping.abort();
  }

  async #pay(client: number, told: (job: number) => void): Promise<void> {
    const { devnet, senders, gateways, folder } = this.#network;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const job = this.#jobs++;
      const items = sampleItems(ITEMS).map((item) => Buffer.concat([item, Buffer.from(` ${job}`)]));
      await embed(items, [], {
        client: new GatewayClient({ gateways: [...gateways.slice(client), ...gateways.slice(0, client)] }),
        genesis: devnet.genesis,
        account: senders[client]!,
        journalPath: join(folder, "jobs", `${job}.json`),
        // All encoders' work counts, so none is left behind.
        commitGraceMs: 120_000,
        signal,
      });
      this.#closed++;
      told(job);
      for (const { count, resolve } of this.#waiting) if (this.#closed >= count) resolve();
    }
  }
}
