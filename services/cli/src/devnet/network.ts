import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SomaError } from "@soma/base";
import { GatewayClient } from "@soma/client";
import { SignerLog } from "@soma/consensus";
import { OPERATOR, TAP } from "@soma/contracts";
import { NatsServer, PostgresServer } from "@soma/launcher";
import { ensureOperatorNats, type OperatorNatsFiles } from "@soma/peering/edge";
import type { Genesis } from "@soma/protocol";
import { ensureGenesis, type GenesisOptions } from "./genesis.ts";
import { ROOT } from "./governed-files.ts";
import { type OperatorServers, operatorEnvironment } from "./operator-environment.ts";
import type { DevnetPlan, OperatorPlan } from "./plan.ts";
import { Supervised, SupervisedServer } from "./supervisor.ts";

const STOP_GRACE_MS = 8_000;
const LOOK_EVERY_MS = 100;

export interface NetworkOptions {
  readonly plan: DevnetPlan;
  readonly genesis: Omit<GenesisOptions, "timestampMs">;
  /** One process an operator, or one a service as in production. */
  readonly processes: "operator" | "service";
  readonly onProgress: (text: string) => void;
  /**
   * Environment to inherit PATH, HOME, SOMA_LOG and the telemetry's variables from. With SOMA_METRICS_PORT the
   * processes serve their metrics at that port and the ones after it, in the order of `processes`.
   */
  readonly env: NodeJS.ProcessEnv;
}

type OperatorBus = Omit<OperatorServers, "databaseUrl">;

/** The whole network on this machine: real servers, real processes, one operator knowing nothing of another. */
export class DevnetNetwork {
  readonly plan: DevnetPlan;
  readonly genesis: Genesis;
  readonly client: GatewayClient;
  readonly #options: NetworkOptions;
  /** What the processes run. */
  readonly #program: string;
  readonly #postgres: PostgresServer;
  readonly #processes: Supervised[] = [];
  /** In the order of their start. */
  readonly #servers: SupervisedServer[] = [];

  private constructor(options: NetworkOptions, program: string, genesis: Genesis, postgres: PostgresServer) {
    this.#options = options;
    this.#program = program;
    this.plan = options.plan;
    this.genesis = genesis;
    this.#postgres = postgres;
    this.#supervise("postgres", postgres);
    this.client = new GatewayClient({ gateways: gatewaysOf(options.plan), timeoutMs: 10_000 });
  }

  /** Starts servers and processes; the network is usable after `ready`. */
  static async start(options: NetworkOptions): Promise<DevnetNetwork> {
    const { plan, onProgress } = options;
    mkdirSync(plan.folder, { recursive: true });
    const { genesis, isNew } = ensureGenesis(plan, { ...options.genesis, timestampMs: Date.now() });
    onProgress(isNew ? `new network ${genesis.chainId}` : `network ${genesis.chainId} goes on`);
    // Postgres makes its cluster while the operators' tokens are signed here.
    const [program, postgres, nats] = await Promise.all([
      programOf(ROOT),
      PostgresServer.start({ dir: join(plan.folder, "postgres"), port: plan.postgresPort, ownGroup: true }),
      Promise.all(plan.operators.map((operator) => prepareNats(plan, operator))),
    ]);
    const network = new DevnetNetwork(options, program, genesis, postgres);
    try {
      const [urls, buses] = await Promise.all([
        postgres.createDatabases(plan.operators.map(databaseOf)),
        Promise.all(plan.operators.map((operator, i) => network.#startNats(operator, nats[i]!))),
      ]);
      onProgress(`Postgres and ${buses.length} nats-servers are up`);
      for (const [i, operator] of plan.operators.entries())
        await network.#startProcesses(operator, { ...buses[i]!, databaseUrl: urls[i]! }, isNew);
      onProgress(`${network.processes.length} processes started`);
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  get processes(): readonly Supervised[] {
    return this.#processes;
  }

  /** Starts an operator that was not among the founders: it takes part once the ledger lists it. */
  async startOperator(operator: OperatorPlan): Promise<void> {
    const bus = await this.#startNats(operator, await prepareNats(this.plan, operator));
    const databaseUrl = await this.#postgres.createDatabase(databaseOf(operator));
    await this.#startProcesses(operator, { ...bus, databaseUrl }, true);
  }

  /**
   * Resolves when every gateway serves a ledger that moves, and the encoders are linked.
   * @throws SomaError DEVNET_NOT_READY
   */
  async ready(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    const gateways = gatewaysOf(this.plan);
    const missing = new Map(gateways.map((gateway) => [gateway, "has not answered"]));
    await Promise.all(
      gateways.map(async (gateway) => {
        // Each is asked until it is ready, and then left alone: questions take the time that the others start in.
        while (missing.has(gateway) && Date.now() < deadline) {
          const lacking = await this.#lacking(gateway).catch(String);
          if (lacking === undefined) missing.delete(gateway);
          else {
            missing.set(gateway, lacking);
            await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
          }
        }
      }),
    );
    const [first] = missing;
    if (first === undefined) return;
    throw new SomaError(
      "DEVNET_NOT_READY",
      `not ready within ${withinMs} ms: ${first.join(" ")}; see ${this.plan.folder}/logs`,
    );
  }

  /** What a validator still lacks, by its own word. */
  async #lacking(gateway: string): Promise<string | undefined> {
    const client = new GatewayClient({ gateways: [gateway], retries: 0, timeoutMs: 2_000 });
    const { checkpoint } = await client.head();
    if (checkpoint === 0n) return "has certified nothing";
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

  async #startProcesses(operator: OperatorPlan, servers: OperatorServers, isNew: boolean): Promise<void> {
    const { plan, processes, env } = this.#options;
    await beginSignerLog(operator, isNew);
    const environment = operatorEnvironment(plan, operator, servers, env);
    const groups =
      processes === "operator" ? [[...operator.services]] : operator.services.map((service) => [service]);
    for (const services of groups) {
      const name = services.length === 1 ? `${operator.name}-${services[0]}` : operator.name;
      const logFile = join(plan.folder, "logs", `${name}.log`);
      const full = { ...environment, ...metricsPort(env, this.#processes.length) };
      this.#processes.push(
        new Supervised({ name, args: [this.#program, "run", ...services], env: full, logFile }, this.#ended),
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

/** A validator that never signed begins its log by its operator's word; an existing network's log must be there. */
async function beginSignerLog(operator: OperatorPlan, isNew: boolean): Promise<void> {
  if (operator.kind !== "validator" || !isNew) return;
  const path = join(operator.folder, "data", "signer.log");
  if ((await SignerLog.newestTerm(path)) === undefined) await SignerLog.create(path);
}
