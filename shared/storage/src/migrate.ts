import { createHash } from "node:crypto";
import { SomaError } from "@soma/base";
import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";
import { PLATFORM_MIGRATION } from "./platform-tables.ts";

/** A frozen step of a schema: once it has run anywhere, neither name nor text may change; a mend is a new one. */
export interface Migration {
  /** Sorts after the ones before it: `0001-pending-transactions`. */
  readonly name: string;
  /** Statements; table names need no schema. */
  readonly sql: string;
}

/**
 * Brings a schema up to date in one transaction, once, however many processes start together.
 * Returns the names that were applied now.
 * @throws SomaError MIGRATION_CHANGED when the schema was made by other migrations than these.
 */
export async function migrate<Tables>(
  database: Database<Tables>,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const all: readonly Migration[] = [PLATFORM_MIGRATION, ...migrations];
  checkOrder(all);
  const db = database.kysely as Kysely<unknown>;
  return db.transaction().execute(async (tx) => {
    // One at a time for this schema; released with the transaction.
    await sql`select pg_advisory_xact_lock(hashtext(${`soma migrate ${database.schema}`}))`.execute(tx);
    await sql`create table if not exists migration (
      name text primary key, checksum text not null, applied_at timestamptz not null default now())`.execute(
      tx,
    );
    const { rows } = await sql<{ name: string; checksum: string }>`
      select name, checksum from migration order by name collate "C"`.execute(tx);
    rows.forEach((row, i) => {
      const expected = all[i];
      if (expected === undefined || expected.name !== row.name || checksum(expected) !== row.checksum)
        throw new SomaError(
          "MIGRATION_CHANGED",
          `schema ${database.schema} was made with another ${row.name}; a released migration is frozen`,
        );
    });
    const missing = all.slice(rows.length);
    for (const migration of missing) {
      await sql.raw(migration.sql).execute(tx);
      await sql`insert into migration (name, checksum) values (${migration.name}, ${checksum(migration)})`.execute(
        tx,
      );
    }
    return missing.map((migration) => migration.name);
  });
}

function checksum(migration: Migration): string {
  return createHash("sha256").update(migration.sql).digest("hex");
}

function checkOrder(all: readonly Migration[]): void {
  for (let i = 1; i < all.length; i++)
    if (!(all[i - 1]!.name < all[i]!.name))
      throw new SomaError("MIGRATION_ORDER", `${all[i]!.name} does not sort after ${all[i - 1]!.name}`);
}
