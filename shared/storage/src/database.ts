import { SomaError } from "@soma/base";
import type { Telemetry } from "@soma/telemetry";
import { Kysely, PostgresDialect, sql, type Transaction } from "kysely";
import pg from "pg";
import { columnParsers } from "./parsers.ts";
import type { PlatformTables } from "./platform-tables.ts";
import { CONNECT_WITHIN_MS, reach } from "./reach.ts";
import { SessionLock } from "./session-lock.ts";

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** The service's own schema, `shard_selection`; nobody else reads it. */
  readonly schema: string;
  readonly telemetry: Telemetry;
  /** Connections at most, default 4; as many more for snapshots. */
  readonly poolSize?: number;
  /** How long to wait for a server that is still starting, default 30 s. */
  readonly startWithinMs?: number;
  readonly signal?: AbortSignal;
}

/** Statements that a connection keeps ready, at most. */
const MAX_PREPARED = 256;

/** Tables of a service (`Tables`) with the inbox and outbox beside them. */
export type WithPlatform<Tables> = Tables & PlatformTables;

/** What queries are made with, in a transaction or outside. */
export type Reading<Tables> = Kysely<WithPlatform<Tables>>;

/** A service's schema in its operator's Postgres. */
export class Database<Tables = unknown> {
  readonly schema: string;
  readonly telemetry: Telemetry;
  /** Queries outside a transaction; table names need no schema. */
  readonly kysely: Reading<Tables>;
  readonly #snapshots: Reading<Tables>;
  readonly #url: string;
  readonly #pool: pg.Pool;
  /** Names of statements by their text. */
  readonly #prepared = new Map<string, string>();
  readonly #columnTypes = new Map<string, ReadonlyMap<string, string>>();

  private constructor(options: DatabaseOptions, pool: pg.Pool, snapshots: pg.Pool) {
    this.#url = options.url;
    this.#pool = pool;
    this.schema = options.schema;
    this.telemetry = options.telemetry;
    this.kysely = new Kysely<WithPlatform<Tables>>({ dialect: new PostgresDialect({ pool }) });
    this.#snapshots = new Kysely<WithPlatform<Tables>>({
      dialect: new PostgresDialect({ pool: snapshots }),
    });
  }

  /** Connects, waiting for a server that is not up yet, and creates the schema. @throws SomaError DATABASE_UNREACHABLE */
  static async open<Tables = unknown>(options: DatabaseOptions): Promise<Database<Tables>> {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(options.schema))
      throw new SomaError("DATABASE_SCHEMA", `bad schema name ${options.schema}`);
    const pool = poolOf(options, "");
    try {
      await reach(() => pool.query("select 1"), {
        withinMs: options.startWithinMs ?? CONNECT_WITHIN_MS,
        signal: options.signal,
      }).catch((cause) => {
        const { schema } = options;
        throw new SomaError("DATABASE_UNREACHABLE", "Postgres did not answer", { schema }, { cause });
      });
      await pool.query(`create schema if not exists ${options.schema}`).catch(alreadyThere);
    } catch (error) {
      await pool.end();
      throw error;
    }
    return new Database<Tables>(options, pool, poolOf(options, SNAPSHOTS));
  }

  /** Runs `work` in one transaction; what it throws rolls everything back. */
  async transaction<T>(work: (tx: Transaction<WithPlatform<Tables>>) => Promise<T>): Promise<T> {
    return this.inSpan(() => this.kysely.transaction().execute(work));
  }

  /**
   * One statement that is sent often and whose text is always the same: each connection has the server read and plan
   * it once, so the way there must not be a pooler that shares sessions. Resolves to its rows.
   */
  async prepared(text: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    let name = this.#prepared.get(text);
    if (name === undefined && this.#prepared.size < MAX_PREPARED) {
      name = `prepared_${this.#prepared.size}`;
      this.#prepared.set(text, name);
    }
    const { rows } = await this.#pool.query({
      text,
      values: [...values],
      ...(name === undefined ? {} : { name }),
    });
    return rows;
  }

  /** The types of a table's columns by name, as a cast takes them; asked for once. */
  async columnTypes(table: string): Promise<ReadonlyMap<string, string>> {
    let types = this.#columnTypes.get(table);
    if (types === undefined) {
      const { rows } = await sql<{ name: string; type: string }>`
        select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = ${`${this.schema}.${table}`}::regclass and attnum > 0 and not attisdropped`.execute(
        this.kysely,
      );
      types = new Map(rows.map(({ name, type }) => [name, type]));
      this.#columnTypes.set(table, types);
    }
    return types;
  }

  /** Runs what writes in the span of a transaction. */
  inSpan<T>(work: () => Promise<T>): Promise<T> {
    return this.telemetry.withSpan(
      `transact ${this.schema}`,
      { role: "client", attributes: { "db.system.name": "postgresql", "db.namespace": this.schema } },
      work,
    );
  }

  /**
   * Runs `work` on what is committed at one moment: nothing that it reads is older or newer. It cannot write, and has
   * connections of its own, so that questions never hold up what is written.
   */
  async snapshot<T>(work: (reading: Reading<Tables>) => Promise<T>): Promise<T> {
    return this.#snapshots.transaction().execute(work);
  }

  /** Takes a lock of this database, whoever's schema, or gives undefined if it was not free within `waitMs`. */
  async lock(name: string, waitMs: number): Promise<SessionLock | undefined> {
    return SessionLock.take({ url: this.#url, name, waitMs });
  }

  /** Whether the server answers now. */
  async ping(): Promise<boolean> {
    try {
      await sql`select 1`.execute(this.kysely);
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.kysely.destroy(), this.#snapshots.destroy()]);
  }
}

/** What every transaction of a session is, without being said again at each. */
const SNAPSHOTS = " -c default_transaction_isolation=repeatable\\ read -c default_transaction_read_only=on";

function poolOf({ url, schema, poolSize, telemetry }: DatabaseOptions, settings: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize ?? 4,
    types: columnParsers,
    options: `-c search_path=${schema}${settings}`,
    application_name: `soma ${schema}`,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
  });
  // A connection that dies while idle is replaced at the next query; without a listener it would end the process.
  pool.on("error", (error) => telemetry.log.warn({ error: error.message }, "idle connection lost"));
  // The pool listens to idle ones only. What is under way on one that dies fails by itself; a server that says
  // why before it goes would end the process too.
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

// Two processes that create the same schema at once: one of them is told so.
function alreadyThere(error: unknown): void {
  if (!(error instanceof pg.DatabaseError && (error.code === "23505" || error.code === "42P06"))) throw error;
}
