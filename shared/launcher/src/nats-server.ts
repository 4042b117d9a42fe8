import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findNatsServer } from "./find-nats-server.ts";
import { freePort } from "./free-port.ts";
import { ServerProcess } from "./server-process.ts";

/** One user of an account; without permissions it may do anything within the account. */
export interface NatsUser {
  readonly user: string;
  readonly password: string;
  readonly permissions?: {
    readonly publish?: readonly string[];
    readonly subscribe?: readonly string[];
    /** Lets the user answer requests on inboxes that it may not name. */
    readonly allowResponses?: boolean;
  };
}

export interface NatsAccount {
  readonly users: readonly NatsUser[];
  /** Whether the account may keep streams. */
  readonly jetStream?: boolean;
  /** Bounds of the account. */
  readonly limits?: {
    readonly connections?: number;
    readonly subscriptions?: number;
    readonly payloadBytes?: number;
  };
}

export interface NatsServerOptions {
  /** Holds the configuration and the streams; kept when the server stops. */
  readonly dir: string;
  /** Default: a free port of the loopback interface. */
  readonly port?: number;
  /** Stands in the server's log and monitoring. */
  readonly name?: string;
  /** Whether the server keeps streams, default true. */
  readonly jetStream?: boolean;
  /** Without accounts, anybody who reaches the port may do anything: for tests. */
  readonly accounts?: Readonly<Record<string, NatsAccount>>;
  /** Largest message in bytes, default 4 MiB. */
  readonly maxPayload?: number;
  /** Further settings of the server, in its own words (operator mode, TLS, limits). */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Keeps a terminal's Ctrl-C from the server, for whoever stops it in order; default false. */
  readonly ownGroup?: boolean;
}

/** A nats-server of ours on the loopback interface. */
export class NatsServer {
  readonly port: number;
  readonly dir: string;
  readonly #start: () => Promise<ServerProcess>;
  #process: ServerProcess;

  private constructor(options: {
    port: number;
    dir: string;
    start: () => Promise<ServerProcess>;
    process: ServerProcess;
  }) {
    this.port = options.port;
    this.dir = options.dir;
    this.#start = options.start;
    this.#process = options.process;
  }

  /** Starts the server and waits until it accepts connections. @throws SomaError SERVER_START, NATS_SERVER_MISSING */
  static async start(options: NatsServerOptions): Promise<NatsServer> {
    const { dir } = options;
    const port = options.port ?? (await freePort());
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "nats.conf"), JSON.stringify(settings(options, port), undefined, 2), {
      mode: 0o600,
    });
    const start = () => launch(dir, options.ownGroup);
    return new NatsServer({ port, dir, start, process: await start() });
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Resolves when the process that runs now has ended. */
  get exited(): Promise<unknown> {
    return this.#process.exited;
  }

  /** The last lines of its log. */
  get output(): string {
    return this.#process.output;
  }

  /** Ends the server in order; streams stay in the folder. */
  async stop(): Promise<void> {
    await this.#process.stop("SIGTERM");
  }

  async close(): Promise<void> {
    await this.stop();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts the server again on the same port and folder, after `stop` or `kill`. */
  async restart(): Promise<void> {
    await this.stop();
    this.#process = await this.#start();
  }
}

// Read as configuration: the server's format takes JSON as it stands.
function settings(options: NatsServerOptions, port: number): Record<string, unknown> {
  const { accounts } = options;
  return {
    host: "127.0.0.1",
    port,
    server_name: options.name ?? `soma-${port}`,
    max_payload: options.maxPayload ?? 4 * 1024 * 1024,
    ...(options.jetStream === false
      ? {}
      : {
          jetstream: {
            store_dir: join(options.dir, "jetstream"),
            max_memory_store: 256 * 1024 * 1024,
            max_file_store: 16 * 1024 ** 3,
          },
        }),
    ...(accounts === undefined
      ? {}
      : {
          accounts: Object.fromEntries(
            Object.entries(accounts).map(([name, account]) => [name, accountSettings(account)]),
          ),
        }),
    ...options.settings,
  };
}

function accountSettings(account: NatsAccount): Record<string, unknown> {
  const limits = account.limits;
  return {
    ...(account.jetStream === true ? { jetstream: "enabled" } : {}),
    ...(limits === undefined
      ? {}
      : {
          limits: {
            ...(limits.connections === undefined ? {} : { max_connections: limits.connections }),
            ...(limits.subscriptions === undefined ? {} : { max_subscriptions: limits.subscriptions }),
            ...(limits.payloadBytes === undefined ? {} : { max_payload: limits.payloadBytes }),
          },
        }),
    users: account.users.map(({ user, password, permissions }) => ({
      user,
      password,
      ...(permissions === undefined
        ? {}
        : {
            permissions: {
              ...(permissions.publish === undefined ? {} : { publish: allow(permissions.publish) }),
              ...(permissions.subscribe === undefined ? {} : { subscribe: allow(permissions.subscribe) }),
              ...(permissions.allowResponses === true ? { allow_responses: true } : {}),
            },
          }),
    })),
  };
}

// To the server an empty list of what is allowed means no list at all, so everything.
function allow(subjects: readonly string[]): Record<string, readonly string[]> {
  return subjects.length === 0 ? { deny: [">"] } : { allow: subjects };
}

async function launch(dir: string, ownGroup: boolean | undefined): Promise<ServerProcess> {
  const portsDir = join(dir, "ports");
  await rm(portsDir, { recursive: true, force: true });
  await mkdir(portsDir);
  const command = findNatsServer();
  const server = await ServerProcess.start({
    command,
    args: ["--config", join(dir, "nats.conf"), "--ports_file_dir", portsDir],
    ownGroup,
  });
  // The server writes this file when its listeners are open.
  const file = join(portsDir, `nats-server_${server.pid}.ports`);
  const isOpen = async () => {
    const text = await readFile(file, "utf8").catch(() => "");
    return /"(nats|tls):\/\//.test(text) ? true : undefined;
  };
  try {
    await server.waitFor(isOpen);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return server;
}
