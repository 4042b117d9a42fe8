import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { eventually, freePort, type TestResources } from "@soma/testkit";
import { countedIn } from "../bad-input/counters.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** One replica of a service in a process of its own, with its metrics. */
export class ReplicaProcess {
  readonly #child: ChildProcess;
  readonly #ports: { readonly health: number; readonly metrics: number };
  readonly #ended: Promise<void>;
  #output = "";

  private constructor(
    service: string,
    env: Record<string, string>,
    ports: { health: number; metrics: number },
  ) {
    this.#ports = ports;
    this.#child = spawn(process.execPath, [join(ROOT, "services", service, "src/main.ts")], {
      env: {
        PATH: process.env["PATH"] ?? "",
        SOMA_LOG: "info",
        SOMA_HEALTH_PORT: String(ports.health),
        SOMA_METRICS_PORT: String(ports.metrics),
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
    });
    this.#ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  /** Resolves when it is ready. @throws with its log when it is not within a minute and a half */
  static async start(
    resources: TestResources,
    service: string,
    env: Record<string, string>,
  ): Promise<ReplicaProcess> {
    const ports = { health: await freePort(), metrics: await freePort() };
    const replica = new ReplicaProcess(service, env, ports);
    resources.defer(() => replica.kill());
    await eventually(
      async () => {
        const ready = await fetch(`http://127.0.0.1:${ports.health}/readyz`).catch(() => undefined);
        if (ready?.status !== 200) throw new Error(`${service} is not ready\n${replica.#output}`);
        return true;
      },
      { within: 90_000, every: 50 },
    );
    return replica;
  }

  /** Stops it where it stands, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  /** Sum of a metric's lines, of those that have these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const page = await (await fetch(`http://127.0.0.1:${this.#ports.metrics}/metrics`)).text();
    return countedIn(page, name, labels);
  }

  /** Messages of this name that it has handled to a good end. */
  handled(message: string): Promise<number> {
    return this.metric("soma_bus_handled_total", { message, verdict: "accept" });
  }
}
