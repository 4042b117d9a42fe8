import { SomaError } from "@soma/base";
import { Database, migrate, Outbox } from "@soma/storage";
import { type Gauge, Telemetry } from "@soma/telemetry";
import { Bus } from "./bus.ts";
import type { Platform } from "./platform.ts";
import { ResourceStack } from "./resources.ts";
import {
  type AnyService,
  type Health,
  type RunningService,
  type ServiceContext,
  schemaOf,
} from "./service.ts";

export type LifecycleState = "starting" | "recovering" | "ready" | "draining" | "stopped" | "failed";

/** How long a service that must be alone waits for the one before it. */
const SOLE_WITHIN_MS = 10_000;

type Env = Readonly<Record<string, string | undefined>>;

/** One service through its life: starting, recovering, ready, draining, stopped or failed. */
export class ServiceRunner {
  readonly name: string;
  /** Resolves with the reason when the service fails after its start. */
  readonly failure: Promise<Error>;
  readonly #definition: AnyService;
  readonly #platform: Platform;
  readonly #env: Env;
  readonly #telemetry: Telemetry;
  readonly #stateGauge: Gauge;
  /** What the platform opened, below what the service opened. */
  readonly #base = new ResourceStack();
  readonly #own = new ResourceStack();
  readonly #draining = new AbortController();
  readonly #failed = Promise.withResolvers<Error>();
  readonly #buses: Bus[] = [];
  #running: RunningService | undefined;
  #state: LifecycleState = "starting";
  #closing: Promise<void> | undefined;

  private constructor(definition: AnyService, platform: Platform, env: Env) {
    this.name = definition.name;
    this.#definition = definition;
    this.#platform = platform;
    this.#env = env;
    this.failure = this.#failed.promise;
    this.#telemetry = this.#base.use(Telemetry.open({ ...platform, service: definition.name }));
    this.#stateGauge = this.#telemetry.metrics.gauge("service.state", {
      unit: "1",
      doc: "1 for the state that the service is in.",
    });
  }

  /** Starts the service; resolves when it is ready. What it opened is closed again when it throws. */
  static async open(definition: AnyService, platform: Platform, env: Env): Promise<ServiceRunner> {
    const runner = new ServiceRunner(definition, platform, env);
    try {
      await runner.#start();
    } catch (error) {
      runner.#enter("failed", error);
      await runner.#release().catch(() => {});
      throw error;
    }
    return runner;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Ready, connected, and well by its own account. */
  health(): Health {
    const own = this.#running?.health?.() ?? { ok: true };
    const connected = this.#buses.every((bus) => bus.connected);
    return {
      ok: this.#state === "ready" && connected && own.ok,
      detail: { state: this.#state, connected, ...own.detail },
    };
  }

  /** Longest time in which handlers of a stream were at work and none ended, in milliseconds. */
  get stalledMs(): number {
    return Math.max(0, ...this.#buses.map((bus) => bus.stalledMs));
  }

  /** Stops taking messages, finishes what is in hand, sends what is owed, closes everything in reverse. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#state !== "failed") this.#enter("draining");
      this.#draining.abort();
      await Promise.all(this.#buses.map((bus) => bus.quiesce()));
      await this.#running?.drain?.();
      await this.#release();
      if (this.#state !== "failed") this.#enter("stopped");
    })();
    return this.#closing;
  }

  async #start(): Promise<void> {
    this.#enter("starting");
    const config = this.#definition.config.read(this.#env);
    const database = await this.#openDatabase();
    const bus = await this.#openBus({
      servers: this.#platform.servers,
      credentials: this.#platform.credentialsFor?.(this.name),
    });
    // The outbox closes before the bus that it sends through and the database that it reads.
    const outbox =
      database && this.#base.use(Outbox.open({ database, send: (message) => bus.publishStaged(message) }));
    const missing = (): never => {
      throw new SomaError("SERVICE_NO_DATABASE", `${this.name} names no migrations, so it has no schema`);
    };
    const context: ServiceContext = {
      service: this.name,
      operator: this.#platform.operator,
      network: this.#platform.network,
      config,
      bus,
      get database() {
        return database ?? missing();
      },
      get outbox() {
        return outbox ?? missing();
      },
      telemetry: this.#telemetry,
      signal: this.#draining.signal,
      use: (resource) => this.#own.use(resource),
      defer: (closer) => this.#own.defer(closer),
      recovering: () => this.#enter("recovering"),
      sole: () => this.#beSole(database ?? missing()),
      connect: (options) => this.#openBus(options),
      fail: (error) => this.#fail(error),
    };
    this.#running = await this.#definition.open(context as unknown as ServiceContext<never, never>);
    this.#enter("ready");
  }

  async #openBus(options: Parameters<ServiceContext["connect"]>[0]): Promise<Bus> {
    const { network, replicas } = this.#platform;
    const bus = this.#base.use(
      await Bus.open({
        ...options,
        name: this.name,
        network,
        telemetry: this.#telemetry,
        ...(replicas === undefined ? {} : { replicas }),
      }),
    );
    this.#buses.push(bus);
    void bus.closed.then((error) => {
      if (error !== undefined) this.#fail(error);
    });
    return bus;
  }

  async #openDatabase(): Promise<Database | undefined> {
    const { migrations } = this.#definition;
    if (migrations === undefined) return undefined;
    const url = this.#platform.databaseUrl;
    if (url === undefined) throw new SomaError("CONFIG_INVALID", `${this.name} needs SOMA_DATABASE_URL`);
    const database = this.#base.use(
      await Database.open({ url, schema: schemaOf(this.name), telemetry: this.#telemetry }),
    );
    await migrate(database, migrations);
    return database;
  }

  async #beSole(database: Database): Promise<void> {
    const lock = await database.lock(`soma sole ${this.name}`, SOLE_WITHIN_MS);
    if (lock === undefined) {
      throw new SomaError(
        "SERVICE_ALREADY_RUNNING",
        `another ${this.name} runs on this operator's database: stop it first, since two would contradict each other`,
      );
    }
    this.#base.use(lock);
    void lock.lost.then((error) => this.#fail(error));
  }

  async #release(): Promise<void> {
    try {
      await this.#own.close();
    } finally {
      await this.#base.close();
    }
  }

  #fail(error: unknown): void {
    if (this.#state === "failed" || this.#state === "stopped" || this.#closing !== undefined) return;
    this.#enter("failed", error);
    this.#failed.resolve(error instanceof Error ? error : new Error(String(error)));
  }

  #enter(state: LifecycleState, error?: unknown): void {
    this.#stateGauge.set(0, { state: this.#state });
    this.#state = state;
    this.#stateGauge.set(1, { state });
    if (error === undefined) this.#telemetry.log.info({ state }, `${this.name} ${state}`);
    else
      this.#telemetry.log.error(
        { state, error: error instanceof Error ? error.stack : String(error) },
        `${this.name} ${state}`,
      );
  }
}
