import type { Insertable, Kysely } from "kysely";

// Postgres takes 65 535 parameters a statement; a thousand rows a statement was the fastest measured.
const MAX_PARAMETERS = 65_000;
const MAX_ROWS = 1000;

/**
 * Inserts any number of rows in as few statements as fit. With `onConflict: "ignore"` rows that exist stay as
 * they are. All rows must have the same columns.
 */
export async function insertMany<DB, T extends keyof DB & string>(
  db: Kysely<DB>,
  table: T,
  rows: readonly Insertable<DB[T]>[],
  options: { readonly onConflict?: "fail" | "ignore" } = {},
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Math.max(1, Object.keys(rows[0] as object).length);
  const size = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / columns)));
  for (let at = 0; at < rows.length; at += size) {
    const insert = db.insertInto(table).values(rows.slice(at, at + size));
    await (options.onConflict === "ignore" ? insert.onConflict((c) => c.doNothing()) : insert).execute();
  }
}
