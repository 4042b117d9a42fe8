import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DevnetNetwork, gatewaysOf, type ProcessLayout, planDevnet } from "@soma/cli";
import { AccountKey } from "@soma/identity";
import type { Genesis, Parameters } from "@soma/protocol";
import { TOKEN } from "@soma/protocol";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";

export interface BenchNetworkOptions {
  readonly validators: number;
  readonly encoders: number;
  /** Funded accounts that send transfers. */
  readonly senders: number;
  readonly basePort: number;
  readonly processes: ProcessLayout;
  readonly parameters?: Partial<Parameters>;
}

/** First of the ports at which the processes of a bench's network serve their metrics. */
const METRICS_ABOVE = 200;

/** A devnet in a folder of its own, with many funded accounts and its metrics on. */
export class BenchNetwork {
  readonly devnet: DevnetNetwork;
  readonly senders: readonly AccountKey[];
  readonly #folder: string;
  readonly #metricsPort: number;

  private constructor(
    devnet: DevnetNetwork,
    senders: readonly AccountKey[],
    folder: string,
    metricsPort: number,
  ) {
    this.devnet = devnet;
    this.senders = senders;
    this.#folder = folder;
    this.#metricsPort = metricsPort;
  }

  static async open(options: BenchNetworkOptions): Promise<BenchNetwork> {
    const folder = await mkdtemp(join(tmpdir(), "soma-bench-"));
    // Postgres runs as another user than root.
    await chmod(folder, 0o755);
    const senders = Array.from({ length: options.senders }, (_, i) =>
      AccountKey.fromSeed((i + 1).toString(16).padStart(64, "0")),
    );
    const plan = planDevnet({ ...options, folder: join(folder, "devnet") });
    const metricsPort = options.basePort + METRICS_ABOVE;
    const devnet = await DevnetNetwork.start({
      plan,
      genesis: {
        accounts: senders.map(({ address }) => ({ address, amount: 100n * TOKEN })),
        ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
      },
      processes: options.processes,
      onProgress: () => {},
      env: { ...process.env, SOMA_LOG: "warn", SOMA_METRICS_PORT: String(metricsPort) },
    });
    const network = new BenchNetwork(devnet, senders, folder, metricsPort);
    await devnet.ready(240_000).catch(async (error: unknown) => {
      await network.close();
      throw error;
    });
    return network;
  }

  get genesis(): Genesis {
    return this.devnet.genesis;
  }

  get gateways(): string[] {
    return gatewaysOf(this.devnet.plan);
  }

  get folder(): string {
    return this.#folder;
  }

  /** A connection to a validator's own bus, with the rights of its gateway. */
  async busOf(operator: string): Promise<Bus> {
    const { plan } = this.devnet;
    const { folder, natsPort } = plan.operators.find(({ name }) => name === operator)!;
    const creds = await readFile(join(folder, "nats/creds/gateway.creds"));
    return Bus.open({
      network: plan.chainId,
      servers: `nats://127.0.0.1:${natsPort}`,
      credentials: { kind: "creds", read: () => creds },
      name: "gateway",
      telemetry: Telemetry.silent("bench", operator),
    });
  }

  /** The samples of a metric in every process: by process, value by label text. */
  async metric(family: string): Promise<Map<string, Map<string, number>>> {
    return (await this.metrics([family])).get(family)!;
  }

  /** The same of several metrics in one scrape, by metric: a scrape begins the next maximum. */
  async metrics(families: readonly string[]): Promise<Map<string, Map<string, Map<string, number>>>> {
    const found = new Map(families.map((family) => [family, new Map<string, Map<string, number>>()]));
    await Promise.all(
      this.devnet.processes.map(async ({ name }, index) => {
        const text = await fetch(`http://127.0.0.1:${this.#metricsPort + index}/metrics`).then((answer) =>
          answer.text(),
        );
        for (const ofProcess of found.values()) ofProcess.set(name, new Map());
        for (const line of text.split("\n")) {
          const match = /^([a-z0-9_]+)(\{.*\})? ([^ ]+)$/.exec(line);
          if (match !== null)
            found
              .get(match[1]!)
              ?.get(name)
              ?.set(match[2] ?? "", Number(match[3]));
        }
      }),
    );
    return found;
  }

  async close(): Promise<void> {
    await this.devnet.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
