import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import pg from "pg";
import { freePort } from "./free-port.ts";
import { dataFolder, initialiseCluster, serverPrograms, serverUser } from "./postgres-files.ts";
import { ServerProcess } from "./server-process.ts";

/** Time for a server to answer: after a crash it works through its log first. */
const RECOVERY_MS = 120_000;

export interface PostgresServerOptions {
  /** Holds the data; kept when the server stops, used again when it exists. */
  readonly dir: string;
  /** Default: a free port of the loopback interface. */
  readonly port?: number;
  /** Gives up safety against power loss for speed: for tests alone. */
  readonly volatile?: boolean;
  /** Keeps a terminal's Ctrl-C from the server, for whoever stops it in order; default false. */
  readonly ownGroup?: boolean;
}

/** A Postgres of ours, brought by npm, on the loopback interface. */
export class PostgresServer {
  readonly port: number;
  /** The folder that holds the data; another than asked for when root's folder is closed to the server's user. */
  readonly dir: string;
  readonly #password: string;
  readonly #start: () => Promise<ServerProcess>;
  #process: ServerProcess;

  private constructor(options: {
    port: number;
    dir: string;
    password: string;
    start: () => Promise<ServerProcess>;
    process: ServerProcess;
  }) {
    this.port = options.port;
    this.dir = options.dir;
    this.#password = options.password;
    this.#start = options.start;
    this.#process = options.process;
  }

  /** Creates the data if there is none, starts the server, waits until it answers. @throws SomaError SERVER_START */
  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const user = serverUser();
    const programs = serverPrograms(user);
    const dir = dataFolder(options.dir, user);
    const port = options.port ?? (await freePort());
    await mkdir(dir, { recursive: true, mode: 0o755 });
    const cluster = join(dir, "cluster");
    const passwordFile = join(dir, "password");
    if ((await stat(cluster).catch(() => undefined)) === undefined) {
      // Under another name until it is whole: an initialisation may be cut off at any moment.
      const partial = join(dir, "cluster.partial");
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { mode: 0o700 });
      await writeFile(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 });
      if (user !== undefined) {
        await chown(partial, user.uid, user.gid);
        await chown(passwordFile, user.uid, user.gid);
      }
      await initialiseCluster({ initdb: programs.initdb, dir: partial, passwordFile, user });
      await rename(partial, cluster);
    }
    const password = (await readFile(passwordFile, "utf8")).trim();
    const start = () =>
      onceFree(() => launch({ ...options, postgres: programs.postgres, cluster, port, password, user }));
    return new PostgresServer({ port, dir, password, start, process: await start() });
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

  get output(): string {
    return this.#process.output;
  }

  /** Where a client connects to a database of this server. */
  urlOf(database: string): string {
    return url(this.port, this.#password, database);
  }

  /** Creates a database unless it exists, and gives its URL. */
  async createDatabase(name: string): Promise<string> {
    const [url] = await this.createDatabases([name]);
    return url!;
  }

  /** Creates the databases that do not exist, and gives their URLs in the same order. */
  async createDatabases(names: readonly string[]): Promise<string[]> {
    const bad = names.find((name) => !/^[a-z][a-z0-9_]{0,62}$/.test(name));
    if (bad !== undefined) throw new SomaError("DATABASE_NAME", `bad database name ${bad}`);
    const client = new pg.Client({ connectionString: this.urlOf("postgres") });
    await client.connect();
    try {
      const known = await client.query<{ datname: string }>("select datname from pg_database");
      for (const name of names)
        if (!known.rows.some(({ datname }) => datname === name))
          await client.query(`create database ${name}`);
    } finally {
      await client.end();
    }
    return names.map((name) => this.urlOf(name));
  }

  /** Ends the server, cutting its connections; the data stays. */
  async stop(): Promise<void> {
    await this.#process.stop("SIGINT");
  }

  async close(): Promise<void> {
    await this.stop();
  }

  /** SIGKILL of the server's first process; its children notice and end. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts the server again on the same port and data, after `stop` or `kill`. */
  async restart(): Promise<void> {
    await this.stop();
    this.#process = await this.#start();
  }
}

/** What a server that was killed, or its children, still hold for a moment. */
const STILL_HELD = /pre-existing shared memory|lock file "postmaster\.pid" already exists/;

/** Starts a server on a cluster that another may have held until just now. */
async function onceFree(start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  for (let attempts = 20; ; attempts--) {
    try {
      return await start();
    } catch (error) {
      if (attempts === 0 || !STILL_HELD.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function url(port: number, password: string, database: string): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
}

async function launch(options: {
  postgres: string;
  cluster: string;
  port: number;
  password: string;
  user: { uid: number; gid: number } | undefined;
  volatile?: boolean;
  ownGroup?: boolean;
}): Promise<ServerProcess> {
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(options.port),
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "64MB",
    // After a crash: one call for the whole disk instead of one for each of thousands of files.
    ...(platform() === "linux" ? { recovery_init_sync_method: "syncfs" } : {}),
    ...(options.volatile === true
      ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }
      : {}),
  };
  const server = await ServerProcess.start({
    command: options.postgres,
    args: [
      "-D",
      options.cluster,
      ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
    ],
    cwd: options.cluster,
    user: options.user,
    ownGroup: options.ownGroup,
  });
  const answers = async () => {
    const client = new pg.Client({ connectionString: url(options.port, options.password, "postgres") });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return undefined;
    }
  };
  try {
    await server.waitFor(answers, RECOVERY_MS);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return server;
}
