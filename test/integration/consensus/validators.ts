import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Result, SomaError } from "@soma/base";
import { service as consensus, SignerLog } from "@soma/consensus";
import { ConsensusStatus, PeerMessageReceived, type RequestMessage, SendToPeer } from "@soma/contracts";
import { EVERYBODY, type Genesis, PEER_MESSAGE_TYPES } from "@soma/protocol";
import { service as rewards } from "@soma/rewards";
import { Bus, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { Telemetry } from "@soma/telemetry";
import type { NatsServer, PostgresServer, TestResources } from "@soma/testkit";
import { operatorFiles } from "../state/chain.ts";

/** One validator operator: consensus, state and rewards on a network of its own. */
export class ValidatorOperator {
  readonly address: string;
  readonly env: Readonly<Record<string, string>>;
  readonly bus: Bus;
  readonly #options: { network: string; servers: string; databaseUrl: string; operator: string };
  readonly #resources: TestResources;

  private constructor(parts: {
    address: string;
    env: Readonly<Record<string, string>>;
    bus: Bus;
    options: { network: string; servers: string; databaseUrl: string; operator: string };
    resources: TestResources;
  }) {
    this.address = parts.address;
    this.env = parts.env;
    this.bus = parts.bus;
    this.#options = parts.options;
    this.#resources = parts.resources;
  }

  static async open(options: {
    readonly resources: TestResources;
    readonly nats: NatsServer;
    readonly postgres: PostgresServer;
    readonly genesis: Genesis;
    readonly name: string;
    readonly index: number;
    readonly address: string;
  }): Promise<ValidatorOperator> {
    const { resources, nats, postgres, genesis, name, index, address } = options;
    const network = `${name}-${index}`;
    const env = await operatorFiles(await resources.folder(), genesis, index);
    await SignerLog.create(join(env["SOMA_DATA"]!, "signer.log"));
    const bus = resources.use(
      await Bus.open({
        servers: nats.url,
        network,
        name: "gateway",
        telemetry: Telemetry.silent("gateway"),
      }),
    );
    const databaseUrl = await postgres.createDatabase(`${name}_${index}`);
    const platform = { network, servers: nats.url, databaseUrl, operator: `v${index}` };
    return new ValidatorOperator({ address, env, bus, options: platform, resources });
  }

  /** In this process; consensus too, unless it runs by itself. */
  async start({ withConsensus }: { readonly withConsensus: boolean }): Promise<ServiceHost> {
    const services = withConsensus ? [state, rewards, consensus] : [state, rewards];
    const platform = { ...this.#options, logLevel: "error" as const };
    return this.#resources.use(await ServiceHost.open({ platform, services, env: this.env }));
  }

  /** Consensus as a process of its own, which can be stopped and killed. */
  startConsensus(variables: Readonly<Record<string, string>>): ConsensusProcess {
    const { network, servers, databaseUrl, operator } = this.#options;
    const running = new ConsensusProcess({
      ...this.env,
      ...variables,
      PATH: process.env["PATH"] ?? "",
      SOMA_NETWORK: network,
      SOMA_OPERATOR: operator,
      SOMA_NATS_URL: servers,
      SOMA_DATABASE_URL: databaseUrl,
      SOMA_LOG: "info",
    });
    this.#resources.defer(() => running.kill());
    return running;
  }

  /** Undefined while nobody answers. */
  async status() {
    const answer = await this.ask(ConsensusStatus, {}).catch(() => undefined);
    return answer;
  }

  async ask<P, R>(message: RequestMessage<P, R, never>, payload: P): Promise<R> {
    const answer: Result<R> = await this.bus.request(message, {}, payload, {
      timeoutMs: 2_000,
      failFast: true,
    });
    if (!answer.ok) throw new SomaError(answer.code, answer.message);
    return answer.value;
  }
}

const MAIN = createRequire(import.meta.url)
  .resolve("@soma/consensus")
  .replace("index.ts", "main.ts");

export class ConsensusProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #told = "";

  constructor(env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (chunk) => {
        this.#told += chunk;
      });
    }
    this.#ended = once(this.#child, "exit");
  }

  /** Its log so far. */
  get told(): string {
    return this.#told;
  }

  /** SIGSTOP: it keeps its connections and does nothing, for as long as nobody wakes it. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  wake(): void {
    this.#child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Its exit status once it has ended by itself. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}

/** Carries envelopes among operators as peering would; `onSent` sees each one that leaves. */
export async function connect(
  operators: readonly ValidatorOperator[],
  onSent: (from: number, type: string, body: Uint8Array) => void = () => {},
): Promise<void> {
  for (const [i, { bus, address }] of operators.entries()) {
    for (const type of PEER_MESSAGE_TYPES) {
      await bus.subscribe(SendToPeer, { type }, async ({ recipient, body }) => {
        onSent(i, type, body);
        for (const to of operators) {
          if (to.address === address || (recipient !== EVERYBODY && recipient !== to.address)) continue;
          await to.bus.publish(PeerMessageReceived, { type }, { sender: address, body });
        }
      });
    }
  }
}
