import { invariant } from "@soma/base";
import { type Database, SessionLock, sql } from "@soma/storage";
import { dividePartitions } from "../core/index.ts";
import type { MempoolTables } from "./schema.ts";

/** What a replica learns at a heartbeat. */
export interface Heartbeat {
  /** Others took this replica for dead, and its partitions with it: it has none, and begins anew. */
  readonly wasFenced: boolean;
  readonly replicas: number;
  /** Partitions that are this replica's from now on, and those that it should give to others. */
  readonly taken: readonly number[];
  readonly surplus: readonly number[];
}

const lockName = (replica: string) => `soma mempool ${replica}`;

/**
 * Which replicas live and what each has, in the operator's Postgres. A replica lives while its session there does and
 * its last heartbeat is not too old; then it is struck off, and what it had is free. Whoever is struck off can write
 * nothing more (`MempoolStore`).
 */
export class Replicas {
  readonly #database: Database<MempoolTables>;
  readonly #self: string;
  readonly #timeoutMs: number;
  readonly #lock: SessionLock;
  #isMember = false;

  private constructor(database: Database<MempoolTables>, self: string, timeoutMs: number, lock: SessionLock) {
    this.#database = database;
    this.#self = self;
    this.#timeoutMs = timeoutMs;
    this.#lock = lock;
  }

  static async open(database: Database<MempoolTables>, self: string, timeoutMs: number): Promise<Replicas> {
    const lock = await database.lock(lockName(self), 0);
    invariant(lock !== undefined, "a replica's name is its own");
    return new Replicas(database, self, timeoutMs, lock);
  }

  /** Resolves if others may take this replica for dead. */
  get lost(): Promise<Error> {
    return this.#lock.lost;
  }

  /** Says that this replica lives, strikes off those that do not, and takes its part of what is free. */
  async beat(): Promise<Heartbeat> {
    const self = this.#self;
    const beat = await this.#database.transaction(async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('soma mempool partitions', 0))`.execute(tx);
      const until = sql<Date>`now() + make_interval(secs => ${this.#timeoutMs / 1000})`;
      const known = await tx
        .updateTable("replica")
        .set({ until })
        .where("id", "=", self)
        .executeTakeFirstOrThrow();
      const isNew = known.numUpdatedRows === 0n;
      if (isNew) await tx.insertInto("replica").values({ id: self, until }).execute();
      const others = await sql<{ id: string; dead: boolean }>`
        select id, until < now()
          or pg_try_advisory_xact_lock(${sql.raw(SessionLock.keyOf("'soma mempool ' || id"))}) as dead
        from replica where id <> ${self}`.execute(tx);
      const dead = others.rows.filter((row) => row.dead).map(({ id }) => id);
      if (dead.length > 0) await tx.deleteFrom("replica").where("id", "in", dead).execute();
      const living = others.rows.filter((row) => !row.dead).map(({ id }) => id);
      const rows = await tx.selectFrom("partition").selectAll().orderBy("number").execute();
      const owners = rows.map(({ owner }) => owner);
      const { take, give } = dividePartitions(owners, [self, ...living], self);
      if (take.length > 0) {
        await tx.updateTable("partition").set({ owner: self }).where("number", "in", take).execute();
      }
      return { isNew, replicas: living.length + 1, taken: take, surplus: give };
    });
    const wasFenced = beat.isNew && this.#isMember;
    this.#isMember = true;
    return { ...beat, wasFenced };
  }

  /** Leaves partitions to whoever takes them; this replica must have forgotten them before. */
  async give(partitions: readonly number[]): Promise<void> {
    await this.#database.kysely
      .updateTable("partition")
      .set({ owner: null })
      .where("number", "in", partitions)
      .where("owner", "=", this.#self)
      .execute();
  }

  /** Leaves all of them. */
  async close(): Promise<void> {
    await this.#database.kysely.deleteFrom("replica").where("id", "=", this.#self).execute();
    await this.#lock.close();
  }
}
