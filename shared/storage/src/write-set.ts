import { toHex } from "@soma/base";
import { type Insertable, type RawBuilder, sql } from "kysely";
import type { Database, WithPlatform } from "./database.ts";

/** What happens with a row whose key is there: the statement fails, the old row stays, or these columns change. */
export type OnConflict<Row> =
  | "fail"
  | "ignore"
  | { readonly key: readonly (keyof Row & string)[]; readonly update: readonly (keyof Row & string)[] };

type Row = Readonly<Record<string, unknown>>;
type Change = (types: ReadonlyMap<string, string>) => RawBuilder<unknown>;

/** Rows, and about the bytes, of one insert. */
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** Keys of one delete. */
const MAX_KEYS = 10_000;
/** Changes of one statement. */
const MAX_CHANGES = 16;

/**
 * Changes that are written together or not at all, and that do not touch each other's rows. Few enough, which is nearly
 * always, are one statement: one way to the server and back instead of one for each table and two for the transaction.
 * Rows travel as one array a column, so that a statement's text, and what it costs to make and to read, does not grow
 * with them.
 */
export class WriteSet<Tables> {
  readonly #changes: { readonly table: string; readonly change: Change }[] = [];

  /** All rows must have the same columns; a conflict fails unless something else is said. */
  insert<T extends keyof WithPlatform<Tables> & string>(
    table: T,
    rows: readonly Insertable<WithPlatform<Tables>[T]>[],
    onConflict: OnConflict<Insertable<WithPlatform<Tables>[T]>> = "fail",
  ): this {
    for (const some of cut(rows as readonly Row[])) {
      this.#changes.push({ table, change: (types) => insertOf(table, some, types, endOf(onConflict)) });
    }
    return this;
  }

  /** Deletes the rows of these text keys. */
  delete<T extends keyof WithPlatform<Tables> & string>(
    table: T,
    column: keyof WithPlatform<Tables>[T] & string,
    keys: readonly string[],
  ): this {
    for (let at = 0; at < keys.length; at += MAX_KEYS) {
      const some = arrayOf(keys.slice(at, at + MAX_KEYS));
      const change = () =>
        sql`delete from ${sql.table(table)} where ${sql.ref(column)} = any(${some}::text[])`;
      this.#changes.push({ table, change });
    }
    return this;
  }

  async write(database: Database<Tables>): Promise<void> {
    const changes: RawBuilder<unknown>[] = [];
    for (const { table, change } of this.#changes) changes.push(change(await database.columnTypes(table)));
    const statements: RawBuilder<unknown>[] = [];
    for (let at = 0; at < changes.length; at += MAX_CHANGES) {
      statements.push(together(changes.slice(at, at + MAX_CHANGES)));
    }
    const [only] = statements;
    if (only === undefined) return;
    await database.inSpan(async () => {
      if (statements.length === 1) {
        const { sql: text, parameters } = only.compile(database.kysely);
        await database.prepared(text, parameters);
        return;
      }
      await database.kysely.transaction().execute(async (tx) => {
        for (const statement of statements) await statement.execute(tx);
      });
    });
  }
}

/** The last as it is, those before as its common table expressions, which Postgres runs whether or not they are read. */
function together(changes: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  const last = changes.at(-1)!;
  if (changes.length === 1) return last;
  const before = changes.slice(0, -1).map((change, i) => sql`${sql.ref(`change_${i}`)} as (${change})`);
  return sql`with ${sql.join(before)} ${last}`;
}

function insertOf(
  table: string,
  rows: readonly Row[],
  types: ReadonlyMap<string, string>,
  end: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const columns = Object.keys(rows[0]!);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  const arrays = columns.map((column) => {
    const values = arrayOf(rows.map((row) => row[column]));
    return sql`${values}::${sql.raw(types.get(column)!)}[]`;
  });
  return sql`insert into ${sql.table(table)} (${names}) select * from unnest(${sql.join(arrays)}) ${end}`;
}

function endOf<R>(onConflict: OnConflict<R>): RawBuilder<unknown> {
  if (onConflict === "fail") return sql``;
  if (onConflict === "ignore") return sql`on conflict do nothing`;
  const keys = sql.join(onConflict.key.map((column) => sql.ref(column)));
  const changes = onConflict.update.map((column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`);
  return sql`on conflict (${keys}) do update set ${sql.join(changes)}`;
}

function* cut(rows: readonly Row[]): Generator<readonly Row[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, row] of rows.entries()) {
    const size = sizeOf(row);
    if (at > from && (at - from === MAX_ROWS || bytes + size > MAX_BYTES)) {
      yield rows.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < rows.length) yield rows.slice(from);
}

/** Of the parts that may be large. */
function sizeOf(row: Row): number {
  let size = 0;
  for (const value of Object.values(row)) {
    if (typeof value === "string" || value instanceof Uint8Array) size += value.length;
  }
  return size;
}

/** An array as Postgres reads it. */
function arrayOf(values: readonly unknown[]): string {
  return `{${values.map(elementOf).join()}}`;
}

function elementOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) return `"\\\\x${toHex(value)}"`;
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw new TypeError(`no value of a column: ${typeof value}`);
}
