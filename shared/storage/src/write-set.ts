import { CompiledQuery, type Insertable, type Updateable } from "kysely";
import { arrayParameter } from "./array-parameter.ts";
import type { Database, WithPlatform } from "./database.ts";

/** What happens with a row whose key is there: the statement fails, the old row stays, or these columns change. */
export type OnConflict<Row> =
  | "fail"
  | "ignore"
  | { readonly key: readonly (keyof Row & string)[]; readonly update: readonly (keyof Row & string)[] };

type Row = Readonly<Record<string, unknown>>;
/** Gives a change's text, and adds its values to those of the statement. */
type Change = (types: ReadonlyMap<string, string>, values: unknown[]) => string;

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
 * with them. The text is put together here: a network at rest writes some thirty sets a second, and a query builder took
 * longer over each than Postgres.
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
      this.#changes.push({
        table,
        change: (types, values) => insertOf(table, some, types, values) + endOf(onConflict),
      });
    }
    return this;
  }

  /** Sets columns of the rows that have these values in others. */
  update<T extends keyof WithPlatform<Tables> & string>(
    table: T,
    set: Updateable<WithPlatform<Tables>[T]>,
    where: Updateable<WithPlatform<Tables>[T]>,
  ): this {
    const change: Change = (types, values) => {
      const equal = (row: object, between: string) =>
        Object.entries(row)
          .map(([column, value]) => `${quoted(column)} = ${parameter(values, value)}::${types.get(column)!}`)
          .join(between);
      return `update ${quoted(table)} set ${equal(set, ", ")} where ${equal(where, " and ")}`;
    };
    this.#changes.push({ table, change });
    return this;
  }

  /** Deletes the rows of these text keys. */
  delete<T extends keyof WithPlatform<Tables> & string>(
    table: T,
    column: keyof WithPlatform<Tables>[T] & string,
    keys: readonly string[],
  ): this {
    for (let at = 0; at < keys.length; at += MAX_KEYS) {
      const some = arrayParameter("text", keys.slice(at, at + MAX_KEYS));
      const change: Change = (_, values) =>
        `delete from ${quoted(table)} where ${quoted(column)} = any(${parameter(values, some)}::text[])`;
      this.#changes.push({ table, change });
    }
    return this;
  }

  async write(database: Database<Tables>): Promise<void> {
    const statements: { readonly text: string; readonly values: readonly unknown[] }[] = [];
    for (let at = 0; at < this.#changes.length; at += MAX_CHANGES) {
      const values: unknown[] = [];
      const texts: string[] = [];
      for (const { table, change } of this.#changes.slice(at, at + MAX_CHANGES)) {
        texts.push(change(await database.columnTypes(table), values));
      }
      statements.push({ text: together(texts), values });
    }
    const [only] = statements;
    if (only === undefined) return;
    await database.inSpan(async () => {
      if (statements.length === 1) {
        await database.prepared(only.text, only.values);
        return;
      }
      await database.kysely.transaction().execute(async (tx) => {
        for (const { text, values } of statements) {
          await tx.executeQuery(CompiledQuery.raw(text, [...values]));
        }
      });
    });
  }
}

/** The last as it is, those before as its common table expressions, which Postgres runs whether or not they are read. */
function together(changes: readonly string[]): string {
  const last = changes.at(-1)!;
  if (changes.length === 1) return last;
  const before = changes.slice(0, -1).map((change, i) => `change_${i} as (${change})`);
  return `with ${before.join(", ")} ${last}`;
}

function insertOf(
  table: string,
  rows: readonly Row[],
  types: ReadonlyMap<string, string>,
  values: unknown[],
): string {
  const columns = Object.keys(rows[0]!);
  const arrays = columns.map((column) => {
    const type = types.get(column)!;
    const array = arrayParameter(
      type,
      rows.map((row) => row[column]),
    );
    return `${parameter(values, array)}::${type}[]`;
  });
  return `insert into ${quoted(table)} (${columns.map(quoted).join(", ")}) select * from unnest(${arrays.join(", ")})`;
}

function endOf<R>(onConflict: OnConflict<R>): string {
  if (onConflict === "fail") return "";
  if (onConflict === "ignore") return " on conflict do nothing";
  const changes = onConflict.update.map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  return ` on conflict (${onConflict.key.map(quoted).join(", ")}) do update set ${changes.join(", ")}`;
}

/** The place of a value that is sent beside the text. */
function parameter(values: unknown[], value: unknown): string {
  return `$${values.push(value)}`;
}

/** A name of a table or column, as it stands in the schema. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
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
