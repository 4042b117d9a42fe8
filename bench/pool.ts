// Recall, latency and size of the pool: node bench/pool.ts [--sizes 100000,1000000] [--threads 1] [--json]: a table and JSON, or JSON alone
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import type { Payload, Reply, SearchPool } from "@soma/contracts";
import { vectorBytes } from "@soma/embedding";
import { Telemetry } from "@soma/telemetry";
import { loadHeldOut } from "../models/evaluate/held-out.ts";
import { heldOutFinals } from "../models/evaluate/held-out-finals.ts";
import { Answers } from "../services/pool/src/shell/answers.ts";
import { PoolConfig } from "../services/pool/src/shell/config.ts";
import { poolMetrics } from "../services/pool/src/shell/metrics.ts";
import { Pool } from "../services/pool/src/shell/pool.ts";
import { loadRotation } from "../services/pool/src/shell/rotation-file.ts";
import { likeReal } from "./support/pool-vectors.ts";
import { percentile } from "./support/statistics.ts";

const SEED = 1;
const ITEMS_PER_JOB = 256;
const TOP = 10;
/** Questions whose exact answer is found too, and questions for the latency of the index. */
const COMPARED = 200;
const TIMED = 1000;
const IN_FLIGHT = 8;
const LEADING = 64;

type Question = Partial<Payload<typeof SearchPool>>;

interface Timing {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface PoolFindings {
  readonly vectors: number;
  readonly recallAt10: number;
  readonly indexed: number;
  readonly index: Timing & { readonly perSecond: number };
  readonly exact: Timing;
  readonly leading: Timing & { readonly dimensions: number };
  readonly loadSeconds: number;
  readonly buildSeconds: number;
  /** Bytes. */
  readonly indexFiles: number;
  readonly memory: number;
  /** CPU time of the main thread between two turns of its loop, at most, while questions were answered. */
  readonly mainThreadLongestMs: number;
  /** How late a timer was, at most: the same with what the machine's other work took. */
  readonly eventLoopDelayMs: number;
}

/** One size: takes the vectors as recorded jobs, builds the index, then asks held-out queries. */
async function measure(
  count: number,
  real: { readonly documents: readonly Int16Array[]; readonly queries: readonly Int16Array[] },
  threads: number,
  say: (text: string) => void,
): Promise<PoolFindings> {
  const folder = mkdtempSync(join(tmpdir(), "soma-bench-pool-"));
  const closing: { close(): Promise<void> }[] = [];
  try {
    const telemetry = Telemetry.silent("pool");
    const env = {
      SOMA_DATA: folder,
      SOMA_POOL_THREADS: String(threads),
      SOMA_POOL_MAX_VECTORS: String(count),
    };
    const pool = new Pool({
      config: PoolConfig.read(env),
      rotation: loadRotation(join(import.meta.dirname, "../models/space")),
      metrics: poolMetrics(telemetry),
      log: telemetry.log,
      resources: {
        use(resource) {
          closing.push(resource as { close(): Promise<void> });
          return resource;
        },
      },
      fail: (error) => {
        throw error;
      },
    });
    const delay = monitorEventLoopDelay({ resolution: 10 });
    const began = performance.now();
    await fill(pool, likeReal(real.documents, count, SEED), count);
    const loadSeconds = (performance.now() - began) / 1000;
    say(`${count} vectors taken in ${loadSeconds.toFixed(1)} s; building the index`);

    const building = performance.now();
    await pool.startIndexing();
    const planned = count - (count % PoolConfig.read(env).indexBlock);
    while ((pool.index?.indexed ?? 0) < planned) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (pool.index === undefined) throw new Error("hnswlib-node is not built here");
    }
    const buildSeconds = (performance.now() - building) / 1000;
    say(`index built in ${buildSeconds.toFixed(1)} s`);

    const answers = new Answers(pool);
    const questions = real.queries.map((vector) => ({ vector: [...vector], limit: TOP }));
    await askAll(answers, questions.slice(0, 20), 1);
    delay.enable();
    const turns = longestTurn();
    const timed = await askAll(answers, spaced(questions, TIMED), 1);
    const parallelBegan = performance.now();
    await askAll(answers, spaced(questions, TIMED), IN_FLIGHT);
    const perSecond = TIMED / ((performance.now() - parallelBegan) / 1000);
    say("exact scans");
    const compared = spaced(questions, COMPARED);
    const proposed = await askAll(answers, compared, 1);
    const exact = await askAll(
      answers,
      compared.map((question) => ({ ...question, exact: true })),
      1,
    );
    const leading = await askAll(
      answers,
      spaced(questions, 50).map((question) => ({ ...question, dimensions: LEADING })),
      1,
    );
    delay.disable();
    const mainThreadLongestMs = turns();
    const files = join(folder, "pool-index");
    return {
      vectors: count,
      recallAt10: recall(proposed.answers, exact.answers),
      indexed: planned,
      index: { ...timing(timed.ms), perSecond },
      exact: timing(exact.ms),
      leading: { dimensions: LEADING, ...timing(leading.ms) },
      loadSeconds,
      buildSeconds,
      indexFiles: readdirSync(files).reduce((sum, name) => sum + statSync(join(files, name)).size, 0),
      memory: process.memoryUsage().rss,
      mainThreadLongestMs,
      eventLoopDelayMs: delay.max / 1e6,
    };
  } finally {
    for (const resource of closing.reverse()) await resource.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(pool: Pool, vectors: Generator<Int16Array>, count: number): Promise<void> {
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const [payer, winner] = [hash("payer"), hash("winner")];
  for (let at = 0; at < count; at += ITEMS_PER_JOB) {
    const items = Math.min(ITEMS_PER_JOB, count - at);
    const finals = Buffer.concat(Array.from({ length: items }, () => vectorBytes(vectors.next().value!)));
    const commit = BigInt(1 + at / ITEMS_PER_JOB);
    await pool.take({
      job: hash(`job ${at}`),
      commit,
      epoch: commit / 100n,
      payer,
      modality: 0,
      winner,
      finals: new Uint8Array(finals),
      items,
    });
  }
}

/** Asks with so many questions on their way at once; times in the order of the questions. */
async function askAll(
  answers: Answers,
  questions: readonly Question[],
  inFlight: number,
): Promise<{ ms: number[]; answers: Reply<typeof SearchPool>[] }> {
  const listing = { filter: null, dimensions: null, exact: false, limit: TOP, cursor: null } as const;
  const ms: number[] = [];
  const found: Reply<typeof SearchPool>[] = [];
  let next = 0;
  const worker = async () => {
    for (let place = next++; place < questions.length; place = next++) {
      const began = performance.now();
      const answer = await answers.search({ vector: null, near: null, ...listing, ...questions[place]! });
      if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
      ms[place] = performance.now() - began;
      found[place] = answer.value;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { ms, answers: found };
}

function recall(
  proposed: readonly Reply<typeof SearchPool>[],
  exact: readonly Reply<typeof SearchPool>[],
): number {
  const placesOf = ({ hits }: Reply<typeof SearchPool>) => hits.map(({ job, item }) => `${job}:${item}`);
  if (proposed.some((answer) => answer.exact) || exact.some((answer) => !answer.exact)) {
    throw new Error("the index was not asked where it should have been, or the other way round");
  }
  const shares = exact.map((answer, i) => {
    const held = new Set(placesOf(proposed[i]!));
    return placesOf(answer).filter((place) => held.has(place)).length / answer.hits.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function spaced<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

/** Begins to look; what it returns ends that and gives the most CPU time between two looks, in milliseconds. */
function longestTurn(): () => number {
  const used = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = used();
  let longest = 0;
  const looking = setInterval(() => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
  }, 2);
  return () => {
    clearInterval(looking);
    return longest;
  };
}

function timing(ms: readonly number[]): Timing {
  return { p50Ms: percentile(ms, 0.5), p99Ms: percentile(ms, 0.99) };
}

/** @param sizes numbers of vectors, one measurement each */
export async function benchPool(
  say: (text: string) => void,
  sizes: readonly number[] = [100_000, 1_000_000],
  threads = 1,
): Promise<PoolFindings[]> {
  const real = await heldOutFinals(loadHeldOut(), { onProgress: say });
  const findings: PoolFindings[] = [];
  for (const size of sizes) findings.push(await measure(size, real, threads, say));
  return findings;
}

function table(findings: readonly PoolFindings[]): string {
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const ms = ({ p50Ms, p99Ms }: Timing) => `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`;
  const rows: [string, (of: PoolFindings) => string][] = [
    ["recall@10 of the index", (of) => of.recallAt10.toFixed(4)],
    ["with the index, p50 / p99", (of) => ms(of.index)],
    [`searches a second, ${IN_FLIGHT} at once`, (of) => of.index.perSecond.toFixed(0)],
    ["exact scan, p50 / p99", (of) => ms(of.exact)],
    [`${LEADING} leading dimensions, p50 / p99`, (of) => ms(of.leading)],
    ["taking the vectors", (of) => `${of.loadSeconds.toFixed(1)} s`],
    ["building the index", (of) => `${of.buildSeconds.toFixed(1)} s`],
    ["index files", (of) => mib(of.indexFiles)],
    ["memory of the process", (of) => mib(of.memory)],
    ["main thread's longest turn, CPU", (of) => `${of.mainThreadLongestMs.toFixed(0)} ms`],
    ["latest timer", (of) => `${of.eventLoopDelayMs.toFixed(0)} ms`],
  ];
  return [
    `| | ${findings.map(({ vectors }) => `${vectors} vectors`).join(" | ")} |`,
    `|---|${findings.map(() => "---|").join("")}`,
    ...rows.map(([name, of]) => `| ${name} | ${findings.map(of).join(" | ")} |`),
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "100000,1000000" },
      threads: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
    },
  });
  const sizes = values.sizes.split(",").map(Number);
  const findings = await benchPool((text) => console.error(text), sizes, Number(values.threads));
  console.log(
    values.json ? JSON.stringify(findings, null, 2) : `${table(findings)}\n\n${JSON.stringify(findings)}`,
  );
  process.exit(0);
}
