import { setTimeout as delay } from "node:timers/promises";
import { SomaError } from "@soma/base";
import pg from "pg";
import { CONNECT_WITHIN_MS, reach } from "./reach.ts";

export interface SessionLockOptions {
  /** `postgresql://user:password@host:port/database`; not through a pooler that shares sessions. */
  readonly url: string;
  /** What is locked, in this database. */
  readonly name: string;
  /** How long to wait for whoever has it. */
  readonly waitMs: number;
}

const TRY_EVERY_MS = 100;
const PROBE_EVERY_MS = 2_000;
const PROBE_WITHIN_MS = 5_000;
const RECONNECT_EVERY_MS = 500;
/** How long to try when a session broke: the server may take the old one for alive a little longer. */
const RETAKE_WITHIN_MS = 10_000;
/** An attempt to take it again, of many. */
const RECONNECT_WITHIN_MS = 5_000;

/**
 * A lock that lasts as long as its session with Postgres: free again the moment its process dies, or half a minute
 * after its machine went silent. When the server restarts, whoever had it takes it again, if nobody else did.
 */
export class SessionLock {
  /** Resolves when somebody else has the lock. */
  readonly lost: Promise<Error>;
  readonly #options: SessionLockOptions;
  readonly #stop = new AbortController();
  readonly #lost = Promise.withResolvers<Error>();
  #client: pg.Client;
  #kept: Promise<void>;

  private constructor(options: SessionLockOptions, client: pg.Client) {
    this.#options = options;
    this.#client = client;
    this.lost = this.#lost.promise;
    this.#kept = this.#keep();
  }

  /** The key of a lock, as an SQL expression over its name. */
  static keyOf(name: string): string {
    return `hashtextextended(${name}, 0)`;
  }

  /** The lock, or undefined if it was not free in time. @throws what Postgres says when it cannot be reached in 30 s */
  static async take(options: SessionLockOptions): Promise<SessionLock | undefined> {
    const client = await reach(() => lockedSession(options, CONNECT_WITHIN_MS), {
      withinMs: CONNECT_WITHIN_MS,
    });
    return client === undefined ? undefined : new SessionLock(options, client);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#kept;
    await this.#client.end().catch(() => undefined);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await untilBroken(this.#client, signal);
      if (signal.aborted) return;
      await this.#client.end().catch(() => undefined);
      const again = await this.#retake();
      if (again === undefined) return;
      this.#client = again;
    }
  }

  /** Undefined if it was closed meanwhile, or is lost. */
  async #retake(): Promise<pg.Client | undefined> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const client = await lockedSession(
          { ...this.#options, waitMs: RETAKE_WITHIN_MS },
          RECONNECT_WITHIN_MS,
        );
        if (client !== undefined) return client;
        this.#lost.resolve(new SomaError("LOCK_LOST", `somebody else has the lock ${this.#options.name}`));
        return undefined;
      } catch {
        // The server is away, and with it whoever else might have the lock.
        await delay(RECONNECT_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }
}

async function lockedSession(
  { url, name, waitMs }: SessionLockOptions,
  connectWithinMs: number,
): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: connectWithinMs,
    // So that the server too finds out when this machine is gone.
    options: "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4",
  });
  // Without a listener a connection that breaks would end the process.
  client.on("error", () => undefined);
  await client.connect();
  const deadline = performance.now() + waitMs;
  try {
    for (;;) {
      const { rows } = await client.query<{ locked: boolean }>(
        `select pg_try_advisory_lock(${SessionLock.keyOf("$1")}) as locked`,
        [name],
      );
      if (rows[0]?.locked === true) return client;
      if (performance.now() >= deadline) break;
      await delay(TRY_EVERY_MS);
    }
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  await client.end();
  return undefined;
}

/** Resolves when the session does not answer any more, or the signal aborts. */
async function untilBroken(client: pg.Client, signal: AbortSignal): Promise<void> {
  const broken = new AbortController();
  client.on("end", () => broken.abort());
  client.on("error", () => broken.abort());
  const either = AbortSignal.any([signal, broken.signal]);
  while (!either.aborted) {
    await delay(PROBE_EVERY_MS, undefined, { signal: either }).catch(() => undefined);
    if (either.aborted) return;
    const late = delay(PROBE_WITHIN_MS, false, { signal: either }).catch(() => false);
    const answered = client.query("select 1").then(
      () => true,
      () => false,
    );
    if (!(await Promise.race([answered, late]))) return;
  }
}
