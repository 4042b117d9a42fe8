import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embed } from "@soma/client";
import { SettleEpoch } from "@soma/contracts";
import { AccountKey, loadKeyFile } from "@soma/identity";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { type CollectedSpan, eventually, TestResources, TraceCollector } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sampleTexts } from "../../services/cli/src/devnet/governed-files.ts";
import { DevnetNetwork } from "../../services/cli/src/devnet/network.ts";
import { planDevnet } from "../../services/cli/src/devnet/plan.ts";
import { declaredMetrics } from "../../tools/metrics-table.ts";
import { tellLogs } from "./support/logs.ts";
import { kindOf, TraceGraph } from "./trace-graph.ts";

const MAIN = fileURLToPath(new URL("../../services/cli/src/main.ts", import.meta.url));
const BASE_PORT = 6400;
const METRICS_PORT = 6480;
const EPOCH_MS = 30_000n;
const SERVICES = [
  "client",
  "consensus",
  "encoder",
  "gateway",
  "mempool",
  "peering",
  "pool",
  "rewards",
  "scorer",
  "shard-selection",
  "state",
];

const resources = new TestResources();
let collector: TraceCollector;
let graph: TraceGraph;
let root: CollectedSpan;
/** What hangs together with the job. */
let job: CollectedSpan[];
let logs: Record<string, unknown>[];
let genesisFile: string;
/** By the operator's name. */
const scraped = new Map<string, string>();

function analyse(): void {
  graph = new TraceGraph(collector.spans);
  const roots = collector.named("embed");
  if (roots.length !== 1) throw new Error(`${roots.length} spans are called embed`);
  root = roots[0]!;
  job = graph.component(root);
}

const servicesOf = (spans: readonly CollectedSpan[]) =>
  [...new Set(spans.map((span) => span.service))].sort();

// One job through a network with a short epoch; the network is stopped before anything is judged, so that every
// span has been delivered.
beforeAll(async () => {
  const folder = await resources.folder();
  collector = resources.use(await TraceCollector.open());
  const { PATH, HOME } = process.env;
  const env = {
    PATH,
    HOME,
    SOMA_OTLP_ENDPOINT: collector.url,
    SOMA_METRICS_PORT: String(METRICS_PORT),
  };
  const plan = planDevnet({ folder: join(folder, "net"), validators: 4, encoders: 6, basePort: BASE_PORT });
  genesisFile = plan.genesisFile;
  const network = await DevnetNetwork.start({
    plan,
    genesis: { parameters: { epochLength: EPOCH_MS } },
    processes: "operator",
    onProgress: () => {},
    env,
  });
  const telemetry = Telemetry.open({ service: "client", operator: "client", otlpEndpoint: collector.url });
  try {
    await network.ready(180_000);
    const texts = sampleTexts().slice(0, 4);
    await embed(
      texts.map(({ text }) => Buffer.from(text)),
      texts.map(({ name }) => name),
      {
        client: network.client,
        genesis: network.genesis,
        account: AccountKey.fromSeed(loadKeyFile(plan.walletFile, "account").seed),
        journalPath: join(folder, "journal.json"),
        telemetry,
      },
    );
    await telemetry.close();
    const id = rootJob();
    const search = { vector: null, near: { job: id, item: 0 }, limit: 1 };
    await eventually(() => network.client.search(search), { within: 20_000 });
    await network.client.http.json({ path: `/v1/jobs/${id}/shard` });
    // The rewards of the job's epoch are settled when it ends.
    await eventually(
      () => {
        analyse();
        expect(servicesOf(job)).toEqual(SERVICES);
      },
      { within: 4 * Number(EPOCH_MS), every: 1_000 },
    );
    for (const [i, { name }] of plan.operators.entries()) {
      const page = await fetch(`http://127.0.0.1:${METRICS_PORT + i}/metrics`);
      scraped.set(name, await page.text());
    }
  } catch (error) {
    console.error(tellLogs(plan.folder));
    throw error;
  } finally {
    await network.stop();
  }
  analyse();
  const logFolder = join(plan.folder, "logs");
  logs = readdirSync(logFolder).flatMap((file) =>
    readFileSync(join(logFolder, file), "utf8")
      .split("\n")
      .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Record<string, unknown>] : [])),
  );
}, 600_000);
afterAll(() => resources.close(), 60_000);

function rootJob(): string {
  analyse();
  return String(root.attributes["soma.job"]);
}

describe("the trace of a job", () => {
  test("hangs together over every service and both kinds of operators", () => {
    // Whether an encoder heard of the job first by the offer or by the ledger.
    const inferences = collector.named("ask inference");
    expect(inferences.length).toBeGreaterThan(0);
    expect(inferences.filter((span) => !job.includes(span))).toEqual([]);
    expect(servicesOf(job)).toEqual(SERVICES);
    const servicesOfKind = (kind: string) => servicesOf(job.filter((span) => kindOf(span) === kind));
    expect(servicesOfKind("encoder")).toEqual(["encoder", "peering", "scorer"]);
    expect(servicesOfKind("validator")).toEqual(
      SERVICES.filter((service) => !["client", "encoder", "scorer"].includes(service)),
    );
    const operators = new Set(job.map(({ operator }) => operator));
    expect([...operators].filter((name) => name.startsWith("v"))).toHaveLength(4);
  });

  test("names the steps from the payment to the settlement", () => {
    const names = new Set(job.map((span) => `${span.service}: ${span.name}`));
    for (const step of [
      "client: pay",
      "client: offer to shard",
      "client: select",
      "client: bundle",
      "client: await proof",
      "gateway: POST /v1/transactions",
      "gateway: POST /v1/jobs/:job/messages",
      "mempool: process mempool.submit-transactions",
      "consensus: include transaction",
      "consensus: propose block",
      "consensus: order commit",
      "state: execute commit",
      "state: execute transaction",
      "state: sign checkpoint",
      "state: announce checkpoint",
      "state: settle epoch",
      "shard-selection: process state.commit-executed",
      "pool: process state.embeddings-recorded",
      "rewards: process rewards.settle-epoch",
      "encoder: offer",
      "encoder: fetch",
      "encoder: tokenise",
      "encoder: infer",
      "encoder: send commit",
      "encoder: reveal",
      "encoder: aggregate",
      "scorer: evaluate",
    ]) {
      expect(names).toContain(step);
    }
  });

  test("crosses between operators by links alone", () => {
    for (const span of collector.spans) {
      if (span.parentSpanId === undefined) continue;
      const parent = graph.get(span.parentSpanId);
      expect(parent, `the parent of ${span.name} of ${span.operator} ${span.service}`).toBeDefined();
      expect(parent!.operator).toBe(span.operator);
      expect(parent!.traceId).toBe(span.traceId);
    }
    const crossings = graph.crossings(job);
    for (const crossing of [
      "client>validator",
      "validator>validator",
      "validator>encoder",
      "encoder>validator",
    ]) {
      expect(crossings.get(crossing), crossing).toBeGreaterThan(0);
    }
  });

  test("shows each paid transaction in its own trace, from the request to its execution", () => {
    const paying = job.filter((span) => span.name === "POST /v1/transactions");
    const whole = paying.filter(({ traceId }) => {
      const names = new Set(job.filter((span) => span.traceId === traceId).map(({ name }) => name));
      return names.has("include transaction") && names.has("execute transaction");
    });
    expect(whole.length).toBeGreaterThanOrEqual(3);
  });

  test("is written beside log lines inside it", () => {
    const traceIds = new Set(job.map(({ traceId }) => traceId));
    const inside = logs.filter(({ trace_id: id }) => typeof id === "string" && traceIds.has(id));
    expect(new Set(inside.map(({ service }) => service))).toContain("scorer");
    for (const line of inside) {
      expect(line["span_id"]).toMatch(/^[0-9a-f]{16}$/);
      expect(graph.get(String(line["span_id"]))?.service).toBe(line["service"]);
    }
  });
});

describe("metrics", () => {
  test("are served by every process under the names that are declared and documented", () => {
    const declared = new Set(declaredMetrics().map(({ family }) => family));
    for (const [operator, page] of scraped) {
      const families = [...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!.replace(/_total$/, ""));
      expect(families.length, operator).toBeGreaterThan(5);
      expect(families, operator).toContain("nodejs_eventloop_delay_max");
      for (const family of families) {
        // Beside what services declare, the process' own: event loop, collections, heap.
        if (family === "target_info" || /^(nodejs|v8js)_/.test(family)) continue;
        expect(declared, family).toContain(family);
      }
    }
    const own = [...scraped.values()].flatMap((page) =>
      [...page.matchAll(/^soma_([a-z_]+)\{service="([a-z-]+)"/gm)].flatMap(([, name, service]) =>
        name!.startsWith(`${service!.replace("-", "_")}_`) ? [service!] : [],
      ),
    );
    expect([...new Set(own)].sort()).toEqual(SERVICES.filter((service) => service !== "client"));
  });
});

/** Ports of the far ends of a process's TCP connections, and the ports that it listens at. */
function tcpOf(pid: number): { remote: number[]; listening: number[] } {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed since it was listed.
        return [];
      }
    }),
  );
  const found = { remote: [] as number[], listening: [] as number[] };
  for (const table of ["tcp", "tcp6"]) {
    for (const row of readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)) {
      const [, local, remote, state, , , , , , inode] = row.trim().split(/\s+/);
      if (inode === undefined || !inodes.has(inode)) continue;
      const port = (address: string) => Number.parseInt(address.split(":")[1]!, 16);
      if (state === "0A") found.listening.push(port(local!));
      else found.remote.push(port(remote!));
    }
  }
  return found;
}

describe("a service that nobody configured to tell anything", () => {
  test("works without a word, a listener, or a connection but the one to its bus", async () => {
    const nats = await resources.nats();
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [MAIN, "run", "rewards"], {
      env: {
        PATH,
        HOME,
        SOMA_NETWORK: "quiet",
        SOMA_OPERATOR: "quiet",
        SOMA_NATS_URL: nats.url,
        SOMA_GENESIS: genesisFile,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    resources.defer(() => void child.kill("SIGKILL"));
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    const bus = resources.use(
      await Bus.open({ name: "state", network: "quiet", servers: nats.url, telemetry: Telemetry.silent() }),
    );
    const request = { epoch: 0n, inputDigest: "00".repeat(32), input: new Uint8Array(3) };
    const answer = await bus.request(SettleEpoch, {}, request, { timeoutMs: 30_000 });
    expect(answer).toMatchObject({ ok: false, code: expect.stringMatching(/^CODEC_/) });
    const { remote, listening } = tcpOf(child.pid!);
    expect(remote).toEqual([Number(new URL(nats.url).port)]);
    expect(listening).toEqual([]);
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(output).toBe("");
  });
});
