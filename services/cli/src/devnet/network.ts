import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SomaError } from "@soma/base";
import { GatewayClient } from "@soma/client";
import { SignerLog } from "@soma/consensus";
import { NatsServer, PostgresServer } from "@soma/launcher";
import { ensureOperatorNats } from "@soma/peering/edge";
import type { Genesis } from "@soma/protocol";
import { ensureGenesis, type GenesisOptions } from "./genesis.ts";
import { operatorEnvironment } from "./operator-environment.ts";
import type { DevnetPlan, OperatorPlan } from "./plan.ts";
import { Supervised } from "./supervisor.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const STOP_GRACE_MS = 8_000;

export interface NetworkOptions {
  readonly plan: DevnetPlan;
  readonly genesis: Omit<GenesisOptions, "timestampMs">;
  /** One process an operator, or one a service as in production. */
  readonly processes: "operator" | "service";
  readonly onProgress: (text: string) => void;
  /** Environment to inherit PATH, HOME and SOMA_LOG from. */
  readonly env: NodeJS.ProcessEnv;
}

/** The whole network on this machine: real servers, real processes, one operator knowing nothing of another. */
export class DevnetNetwork {
  readonly plan: DevnetPlan;
  readonly genesis: Genesis;
  readonly client: GatewayClient;
  readonly processes: readonly Supervised[];
  readonly #postgres: PostgresServer;
  readonly #nats: readonly NatsServer[];

  private constructor(parts: {
    plan: DevnetPlan;
    genesis: Genesis;
    postgres: PostgresServer;
    nats: readonly NatsServer[];
    processes: readonly Supervised[];
  }) {
    this.plan = parts.plan;
    this.genesis = parts.genesis;
    this.#postgres = parts.postgres;
    this.#nats = parts.nats;
    this.processes = parts.processes;
    this.client = new GatewayClient({ gateways: gatewaysOf(parts.plan), timeoutMs: 10_000 });
  }

  /** Starts servers and processes; the network is usable after `ready`. */
  static async start(options: NetworkOptions): Promise<DevnetNetwork> {
    const { plan, onProgress } = options;
    mkdirSync(plan.folder, { recursive: true });
    const { genesis, isNew } = ensureGenesis(plan, { ...options.genesis, timestampMs: Date.now() });
    onProgress(isNew ? `new network ${genesis.chainId}` : `network ${genesis.chainId} goes on`);
    const stack: { close(): Promise<void> }[] = [];
    try {
      const postgres = await PostgresServer.start({
        dir: join(plan.folder, "postgres"),
        port: plan.postgresPort,
      });
      stack.push(postgres);
      const nats = await Promise.all(
        plan.operators.map(async (operator) => {
          const server = await startNats(plan, operator);
          stack.push(server.nats);
          return server;
        }),
      );
      onProgress(`Postgres and ${nats.length} nats-servers are up`);
      const processes: Supervised[] = [];
      for (const [i, operator] of plan.operators.entries()) {
        await beginSignerLog(operator, isNew);
        const databaseUrl = await postgres.createDatabase(`soma_${operator.name}`);
        const env = operatorEnvironment(plan, operator, { ...nats[i]!.servers, databaseUrl }, options.env);
        const groups =
          options.processes === "operator"
            ? [[...operator.services]]
            : operator.services.map((service) => [service]);
        for (const services of groups) {
          const name = services.length === 1 ? `${operator.name}-${services[0]}` : operator.name;
          const logFile = join(plan.folder, "logs", `${name}.log`);
          processes.push(
            new Supervised({ name, args: [MAIN, "run", ...services], env, logFile }, (which, how) =>
              onProgress(`${which} ended (${how}); starting it again`),
            ),
          );
        }
      }
      onProgress(`${processes.length} processes started`);
      return new DevnetNetwork({
        plan,
        genesis,
        postgres,
        nats: nats.map((server) => server.nats),
        processes,
      });
    } catch (error) {
      for (const resource of stack.reverse()) await resource.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * Resolves when every gateway serves a ledger that moves, and the encoders are linked.
   * @throws SomaError DEVNET_NOT_READY
   */
  async ready(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    const validators = this.plan.operators.filter((operator) => operator.kind === "validator");
    const encoders = this.plan.operators.length - validators.length;
    let missing = "no gateway answers";
    while (Date.now() < deadline) {
      const answers = await Promise.all(
        gatewaysOf(this.plan).map(async (gateway) => {
          const client = new GatewayClient({ gateways: [gateway], retries: 0, timeoutMs: 2_000 });
          const head = await client.head();
          const { peers } = await client.peers();
          const linked = peers.filter((peer) => peer.connected && peer.direction === "admitted").length;
          return { checkpoint: head.checkpoint, linked };
        }),
      ).catch((error: unknown) => {
        missing = error instanceof Error ? error.message : String(error);
        return [];
      });
      const moving = answers.filter(({ checkpoint }) => checkpoint > 0n).length;
      const linked = answers.filter(({ linked }) => linked >= encoders + validators.length - 1).length;
      if (answers.length > 0 && moving === validators.length && linked === validators.length) return;
      if (answers.length > 0) {
        missing = `${moving} of ${validators.length} validators certify, ${linked} have all their peers`;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new SomaError(
      "DEVNET_NOT_READY",
      `not ready within ${withinMs} ms: ${missing}; see ${this.plan.folder}/logs`,
    );
  }

  process(name: string): Supervised {
    const found = this.processes.find((process) => process.name === name);
    if (found === undefined) throw new SomaError("DEVNET_PROCESS", `no process is called ${name}`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop(STOP_GRACE_MS)));
    await Promise.all(this.#nats.map((server) => server.close()));
    await this.#postgres.close();
  }
}

/** Base URLs of a plan's gateways. */
export function gatewaysOf(plan: DevnetPlan): string[] {
  return plan.operators.flatMap(({ gatewayPort }) =>
    gatewayPort === undefined ? [] : [`http://127.0.0.1:${gatewayPort}`],
  );
}

async function startNats(plan: DevnetPlan, operator: OperatorPlan) {
  const folder = join(operator.folder, "nats");
  const files = await ensureOperatorNats(folder, {
    name: operator.name,
    network: plan.chainId,
    services: operator.services,
  });
  const accounts = operator.kind === "validator" ? (["inside", "edge"] as const) : (["inside"] as const);
  const nats = await NatsServer.start({
    dir: join(folder, "server"),
    port: operator.natsPort,
    name: operator.name,
    settings: files.settings(accounts),
  });
  const servers = {
    natsUrl: nats.url,
    credentialsFolder: join(folder, "creds"),
    edgeAccount: files.edgeAccountPath,
  };
  return { nats, servers };
}

/** A validator that never signed begins its log by its operator's word; an existing network's log must be there. */
async function beginSignerLog(operator: OperatorPlan, isNew: boolean): Promise<void> {
  if (operator.kind !== "validator" || !isNew) return;
  const path = join(operator.folder, "data", "signer.log");
  if (!existsSync(path)) await SignerLog.create(path);
}
