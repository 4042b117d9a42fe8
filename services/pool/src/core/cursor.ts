import { err, ok, type Result } from "@soma/base";

/** Where a list of hits goes on: among the first `size` rows, after `row`, which was the `seen`-th hit. */
export interface Cursor {
  readonly size: number;
  readonly row: number;
  readonly seen: number;
}

export function formatCursor({ size, row, seen }: Cursor): string {
  return `${size}.${row}.${seen}`;
}

/** Refusal: POOL_CURSOR for what is no cursor of a pool with `rows` rows. */
export function parseCursor(text: string, rows: number): Result<Cursor> {
  const parts = /^([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,10})$/.exec(text);
  const [size, row, seen] = (parts ?? []).slice(1).map(Number);
  if (
    size === undefined ||
    row === undefined ||
    seen === undefined ||
    row >= size ||
    size > rows ||
    seen < 1
  ) {
    return err("POOL_CURSOR", "the cursor is none of this pool; begin again without it");
  }
  return ok({ size, row, seen });
}
