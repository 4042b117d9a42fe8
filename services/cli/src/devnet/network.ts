import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { SomaError } from "@soma/base";
import { GatewayClient } from "@soma/client";
import { OPERATOR, TAP } from "@soma/contracts";
import { NatsServer, PostgresServer } from "@soma/launcher";
import { ensureOperatorNats, type OperatorNatsFiles } from "@soma/peering/edge";
import type { Genesis } from "@soma/protocol";
import { writeHosts } from "../hosts-file.ts";
import { beginNetwork, beginSignerLog, type GenesisOptions, savedGenesis } from "./genesis.ts";
import { ROOT } from "./governed-files.ts";
import { type OperatorServers, operatorEnvironment } from "./operator-environment.ts";
import type { DevnetPlan, OperatorPlan } from "./plan.ts";
import { portsAreFree } from "./ports.ts";
import { type Host, type PlannedOperator, type ProcessLayout, processesOf } from "./process-layout.ts";
import { Supervised, SupervisedServer } from "./supervisor.ts";

const STOP_GRACE_MS = 8_000;
const LOOK_EVERY_MS = 100;

export interface NetworkOptions {
  readonly plan: DevnetPlan;
  readonly genesis: Omit<GenesisOptions, "timestampMs">;
  readonly processes: ProcessLayout;
  readonly onProgress: (text: string) => void;
  /**
   * Environment to inherit PATH, HOME, SOMA_LOG and the telemetry's variables from. With SOMA_METRICS_PORT the
   * processes serve their metrics at that port and the ones after it, in the order of `processes`.
   */
  readonly env: NodeJS.ProcessEnv;
  /** Ends `start` and `ready` before their time, with its reason. */
  readonly signal?: AbortSignal;
}

type OperatorBus = Omit<OperatorServers, "databaseUrl">;

/** The whole network on this machine: real servers, real processes, one operator knowing nothing of another. */
export class DevnetNetwork {
  readonly plan: DevnetPlan;
  readonly genesis: Genesis;
  readonly client: GatewayClient;
  readonly #options: NetworkOptions;
  readonly #isNew: boolean;
  #postgres: PostgresServer | undefined;
  readonly #processes: Supervised[] = [];
  /** In the order of their start. */
  readonly #servers: SupervisedServer[] = [];

  private constructor(options: NetworkOptions, genesis: Genesis, isNew: boolean) {
    this.#options = options;
    this.plan = options.plan;
    this.genesis = genesis;
    this.#isNew = isNew;
    this.client = new GatewayClient({ gateways: gatewaysOf(options.plan), timeoutMs: 10_000 });
  }

  /**
   * Starts servers and processes; the network is usable after `ready`. What fails, or is aborted, leaves nothing running.
   * @throws SomaError DEVNET_PORT (something listens at one of the plan's ports), DEVNET_GENESIS, SERVER_START
   */
  static async start(options: NetworkOptions): Promise<DevnetNetwork> {
    const { plan, onProgress } = options;
    mkdirSync(plan.folder, { recursive: true });
    await portsAreFree(plan);
    const saved = savedGenesis(plan.folder);
    const genesis = saved ?? (await beginNetwork(plan, { ...options.genesis, timestampMs: Date.now() }));
    const isNew = saved === undefined;
    onProgress(isNew ? `new network ${genesis.chainId}` : `network ${genesis.chainId} goes on`);
    const network = new DevnetNetwork(options, genesis, isNew);
    try {
      await network.#bringUp();
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  async #bringUp(): Promise<void> {
    const { plan } = this;
    const { onProgress, signal } = this.#options;
    // Postgres makes its cluster while the operators' tokens are signed here.
    const [program, postgres, nats] = await allEnded([
      programOf(ROOT),
      this.#startPostgres(),
      allEnded(plan.operators.map((operator) => prepareNats(plan, operator))),
    ]);
    signal?.throwIfAborted();
    const [urls, buses] = await allEnded([
      postgres.createDatabases(plan.operators.map(databaseOf)),
      allEnded(plan.operators.map((operator, i) => this.#startNats(operator, nats[i]!))),
    ]);
    signal?.throwIfAborted();
    onProgress(`Postgres and ${buses.length} nats-servers are up`);
    const operators = plan.operators.map((operator, i) =>
      this.#operator(operator, { ...buses[i]!, databaseUrl: urls[i]! }),
    );
    this.#startProcesses(program, operators, this.#options.processes);
    onProgress(`${this.processes.length} processes started`);
  }

  get processes(): readonly Supervised[] {
    return this.#processes;
  }

  /** Starts an operator that was not among the founders: it takes part once the ledger lists it. */
  async startOperator(operator: OperatorPlan): Promise<void> {
    const postgres = this.#postgres;
    if (postgres === undefined) throw new SomaError("DEVNET_STOPPED", "the network has no Postgres");
    await beginSignerLog(operator);
    const bus = await this.#startNats(operator, await prepareNats(this.plan, operator));
    const databaseUrl = await postgres.createDatabase(databaseOf(operator));
    const { processes } = this.#options;
    const layout = processes === "few" ? "operator" : processes;
    this.#startProcesses(await programOf(ROOT), [this.#operator(operator, { ...bus, databaseUrl })], layout);
  }

  /**
   * Resolves when all processes are ready, every gateway serves a ledger that moves, and the operators are linked.
   * @throws SomaError DEVNET_NOT_READY, the signal's reason
   */
  async ready(withinMs: number): Promise<void> {
    const { signal } = this.#options;
    const deadline = Date.now() + withinMs;
    // A new ledger moves when it has certified anything, another one when it certifies more than it had.
    const began = new Map<string, bigint>();
    const gateways = gatewaysOf(this.plan);
    const missing = new Map(gateways.map((gateway) => [gateway, "has not answered"]));
    const wait = () => pause(LOOK_EVERY_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
    const isOver = () => Date.now() >= deadline || signal?.aborted === true;
    await Promise.all([
      ...this.#processes.map(async (process) => {
        while (!process.isReady && !isOver()) await wait();
        if (!process.isReady) missing.set(process.name, "is not ready");
      }),
      ...gateways.map(async (gateway) => {
        // Each is asked until it is ready, and then left alone: questions take the time that the others start in.
        while (missing.has(gateway) && !isOver()) {
          const lacking = await this.#lacking(gateway, began).catch(reasonOf);
          if (lacking === undefined) missing.delete(gateway);
          else {
            missing.set(gateway, lacking);
            await wait();
          }
        }
      }),
    ]);
    signal?.throwIfAborted();
    const [first] = missing;
    if (first === undefined) return;
    throw new SomaError(
      "DEVNET_NOT_READY",
      `not ready within ${withinMs} ms: ${first.join(" ")}; see ${this.plan.folder}/logs`,
    );
  }

  /** What a validator still lacks, by its own word. */
  async #lacking(gateway: string, began: Map<string, bigint>): Promise<string | undefined> {
    const { signal } = this.#options;
    const options = { retries: 0, timeoutMs: 2_000, ...(signal && { signal }) };
    const client = new GatewayClient({ gateways: [gateway], ...options });
    const { checkpoint } = await client.head();
    const first = began.get(gateway) ?? (this.#isNew ? 0n : checkpoint);
    began.set(gateway, first);
    if (checkpoint === first)
      return checkpoint === 0n ? "has certified nothing" : `stands still at checkpoint ${checkpoint}`;
    const { peers } = await client.peers();
    const linked = peers.filter((peer) => peer.connected && peer.direction === "admitted").length;
    const others = this.plan.operators.length - 1;
    return linked >= others ? undefined : `has ${linked} of ${others} peers`;
  }

  process(name: string): Supervised {
    const found = this.#processes.find((process) => process.name === name);
    if (found === undefined) throw new SomaError("DEVNET_PROCESS", `no process is called ${name}`);
    return found;
  }

  /** "postgres", or an operator's nats-server by its name, such as "v0-nats". */
  server(name: string): SupervisedServer {
    const found = this.#servers.find((server) => server.name === name);
    if (found === undefined) throw new SomaError("DEVNET_PROCESS", `no server is called ${name}`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop(STOP_GRACE_MS)));
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  #supervise(name: string, server: NatsServer | PostgresServer): void {
    this.#servers.push(new SupervisedServer(name, server, this.#ended));
  }

  readonly #ended = (name: string, how: string): void =>
    this.#options.onProgress(`${name} ended (${how}); starting it again`);

  async #startPostgres(): Promise<PostgresServer> {
    const { folder, postgresPort: port } = this.plan;
    const postgres = await PostgresServer.start({ dir: join(folder, "postgres"), port, ownGroup: true });
    this.#supervise("postgres", postgres);
    this.#postgres = postgres;
    return postgres;
  }

  async #startNats(operator: OperatorPlan, files: OperatorNatsFiles): Promise<OperatorBus> {
    const folder = natsFolderOf(operator);
    const accounts = operator.kind === "validator" ? (["inside", "edge"] as const) : (["inside"] as const);
    const nats = await NatsServer.start({
      dir: join(folder, "server"),
      port: operator.natsPort,
      name: operator.name,
      settings: files.settings(accounts),
      ownGroup: true,
    });
    this.#supervise(`${operator.name}-nats`, nats);
    return {
      natsUrl: nats.url,
      credentialsFolder: join(folder, "creds"),
      edgeAccount: files.edgeAccountPath,
    };
  }

  #operator(operator: OperatorPlan, servers: OperatorServers): PlannedOperator {
    return { ...operator, env: operatorEnvironment(this.plan, operator, servers, this.#options.env) };
  }

  #startProcesses(program: string, operators: readonly PlannedOperator[], layout: ProcessLayout): void {
    const { folder } = this.plan;
    for (const { name, hosts } of processesOf(operators, layout, availableParallelism())) {
      const [first] = hosts as [Host];
      const file = join(folder, "hosts", `${name}.json`);
      if (hosts.length > 1) writeHosts(file, hosts);
      const args = hosts.length > 1 ? ["--hosts", file] : first.services;
      const env = { ...first.env, ...metricsPort(this.#options.env, this.#processes.length) };
      const logFile = join(folder, "logs", `${name}.log`);
      this.#processes.push(
        new Supervised({ name, args: [program, "run", ...args], env, logFile }, this.#ended),
      );
    }
  }
}

/** What the processes of a checkout run. Loaded from its place, since a bundle does not hold what makes it. */
async function programOf(root: string): Promise<string> {
  const url = pathToFileURL(join(root, "services/cli/bin/program.mjs")).href;
  const { programFile } = (await import(url)) as typeof import("../../bin/program.mjs");
  return programFile(root);
}

/** Base URLs of a plan's gateways. */
export function gatewaysOf(plan: DevnetPlan): string[] {
  return plan.operators.flatMap(({ gatewayPort }) =>
    gatewayPort === undefined ? [] : [`http://127.0.0.1:${gatewayPort}`],
  );
}

/** Path of the .creds file with which `soma tap` reads an operator's bus. */
export function tapCredentialsOf(operator: OperatorPlan): string {
  return join(natsFolderOf(operator), "creds", `${TAP}.creds`);
}

/** The keys, tokens and settings of an operator's NATS, made now if they are not there. */
function prepareNats(plan: DevnetPlan, operator: OperatorPlan): Promise<OperatorNatsFiles> {
  return ensureOperatorNats(natsFolderOf(operator), {
    name: operator.name,
    network: plan.chainId,
    services: [...operator.services, TAP, OPERATOR],
  });
}

function databaseOf(operator: OperatorPlan): string {
  return `soma_${operator.name}`;
}

function natsFolderOf(operator: OperatorPlan): string {
  return join(operator.folder, "nats");
}

function metricsPort(env: NodeJS.ProcessEnv, index: number): Record<string, string> {
  const first = Number.parseInt(env["SOMA_METRICS_PORT"] ?? "", 10);
  return Number.isInteger(first) ? { SOMA_METRICS_PORT: String(first + index) } : {};
}

/** All results, once the last of them is there or has failed: what is under way cannot be stopped. */
async function allEnded<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as T;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
