import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { embed, GatewayClient } from "@soma/client";
import { AccountKey, loadKeyFile } from "@soma/identity";
import { Executions } from "./support/executions.ts";
import { BenchNetwork } from "./support/network.ts";
import { sampleItems } from "./support/raw-inference.ts";
import { percentile } from "./support/statistics.ts";
import { Submitter, signTransfers } from "./support/transfers.ts";

const BASE_PORT = 8900;
const SENDERS = 16;
/** Transfers a second, all the time. */
const RATE = 20;
const JOB_EVERY_MS = 60_000;
const SAMPLE_EVERY_MS = 30_000;
const PAGE = 4096;

export interface SoakRow {
  readonly process: string;
  /** Resident memory, MiB: after the first tenth of the time, at the end, and the most. */
  readonly early: number;
  readonly late: number;
  readonly most: number;
  /** JavaScript heap in use after the first tenth and at the end, MiB: the median of a few samples each. */
  readonly heapEarly: number;
  readonly heapLate: number;
  /** Growth of the resident memory over the second half, MiB an hour (least squares). */
  readonly growth: number;
}

export interface SoakResult {
  readonly minutes: number;
  readonly transfers: number;
  readonly jobs: number;
  readonly failedJobs: number;
  readonly longestGapMs: number;
  readonly rows: readonly SoakRow[];
}

interface Sample {
  readonly atMs: number;
  readonly resident: number;
  readonly heap: number;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A network under a steady light load for a long time: memory of each process, and the longest time without a commit. */
export async function benchSoak(say: (text: string) => void, minutes = 60): Promise<SoakResult> {
  const network = await BenchNetwork.open({
    validators: 4,
    encoders: 8,
    senders: SENDERS,
    basePort: BASE_PORT,
    processes: "few",
  });
  const submitter = new Submitter(network.gateways);
  const samples = new Map<string, Sample[]>();
  const ends = performance.now() + minutes * 60_000;
  const isOver = () => performance.now() >= ends;
  try {
    const bus = await network.busOf("v0");
    const executions = await Executions.open(bus);
    const gap = { longest: 0, last: performance.now() };
    const count = Math.ceil((minutes * 60 * RATE) / SENDERS) + 16;
    const transfers = async () => {
      const queues = network.senders.map((account) =>
        signTransfers(account, network.genesis.chainId, 0n, count),
      );
      for (let n = 0; !isOver(); n++) {
        const transfer = queues[n % SENDERS]![Math.floor(n / SENDERS)]!;
        const executed = executions.expect(transfer.digest);
        for (;;) {
          const retryMs = await submitter.submit(n % SENDERS, transfer.bytes);
          if (retryMs === undefined) break;
          await pause(retryMs);
        }
        void executed.then(() => {
          gap.longest = Math.max(gap.longest, performance.now() - gap.last);
          gap.last = performance.now();
        });
        await pause(1000 / RATE);
      }
    };
    const outcomes = { done: 0, failed: 0 };
    const wallet = AccountKey.fromSeed(loadKeyFile(network.devnet.plan.walletFile, "account").seed);
    const jobs = async () => {
      for (let number = 0; !isOver(); number++) {
        const began = performance.now();
        await embed(
          sampleItems(28).map((item) => Buffer.concat([item, Buffer.from(` ${number}`)])),
          [],
          {
            client: new GatewayClient({ gateways: network.gateways }),
            genesis: network.genesis,
            account: wallet,
            journalPath: join(network.folder, "jobs", `${number}.json`),
          },
        ).then(
          () => {
            outcomes.done += 1;
          },
          (error: unknown) => {
            outcomes.failed += 1;
            say(`job ${number}: ${error}`);
          },
        );
        await pause(
          Math.max(0, Math.min(JOB_EVERY_MS - (performance.now() - began), ends - performance.now())),
        );
      }
    };
    const watching = async () => {
      while (!isOver()) {
        await pause(Math.min(SAMPLE_EVERY_MS, Math.max(0, ends - performance.now())));
        await sample(network, samples);
        const left = Math.round((ends - performance.now()) / 60_000);
        say(`${left} minutes left, ${executions.executed} transfers, ${outcomes.done} jobs`);
      }
    };
    await Promise.all([transfers(), jobs(), watching()]);
    const executed = executions.executed;
    await bus.close();
    return {
      minutes,
      transfers: executed,
      jobs: outcomes.done,
      failedJobs: outcomes.failed,
      longestGapMs: Math.round(gap.longest),
      rows: [...samples].map(([process, taken]) => rowOf(process, taken)),
    };
  } finally {
    await submitter.close();
    await network.close();
  }
}

async function sample(network: BenchNetwork, samples: Map<string, Sample[]>): Promise<void> {
  const heap = await network.metric("v8js_memory_heap_used").catch(() => new Map());
  for (const { name, pid } of network.devnet.processes) {
    if (pid === undefined) continue;
    const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
    const spaces = [...(heap.get(name)?.values() ?? [])].reduce((a: number, b: number) => a + b, 0);
    const taken = samples.get(name) ?? [];
    samples.set(name, taken);
    taken.push({ atMs: performance.now(), resident: (pages * PAGE) / 2 ** 20, heap: spaces / 2 ** 20 });
  }
}

function rowOf(process: string, taken: readonly Sample[]): SoakRow {
  const early = Math.floor(taken.length / 10);
  const around = (index: number, value: (sample: Sample) => number) =>
    Math.round(percentile(taken.slice(Math.max(0, index - 2), index + 3).map(value), 0.5));
  const last = taken.length - 1;
  return {
    process,
    early: around(early, ({ resident }) => resident),
    late: around(last, ({ resident }) => resident),
    most: Math.round(Math.max(...taken.map(({ resident }) => resident))),
    heapEarly: around(early, ({ heap }) => heap),
    heapLate: around(last, ({ heap }) => heap),
    growth: Math.round(slope(taken.slice(Math.floor(taken.length / 2))) * 10) / 10,
  };
}

/** Least squares, MiB an hour. */
function slope(taken: readonly Sample[]): number {
  const hours = taken.map(({ atMs }) => atMs / 3_600_000);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(hours), mean(taken.map(({ resident }) => resident))];
  let above = 0;
  let below = 0;
  for (const [i, { resident }] of taken.entries()) {
    above += (hours[i]! - x) * (resident - y);
    below += (hours[i]! - x) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
