import { SomaError } from "@soma/base";
import { z } from "zod";

/** Entries of one page. */
export const MAX_PAGE = 100;

/** Which page of a list is wanted. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE)
    .default(50)
    .meta({ description: `Entries of the page, 1 to ${MAX_PAGE}.` }),
  cursor: z
    .string()
    .max(256)
    .optional()
    .meta({ description: "`next` of the page before; without it the list begins." }),
};

/** Where a page ends and the next begins. */
export const next = z
  .string()
  .nullable()
  .meta({ description: "`cursor` of the next page; null at the end." });

type Part = string | bigint | number;

/**
 * The cursors of one list: opaque to clients, and bound to the list. They name the last entry by what never changes,
 * so that a page neither repeats nor leaves out entries while the list grows.
 */
export class Cursors<T extends z.ZodTuple> {
  readonly #list: string;
  readonly #parts: T;

  constructor(list: string, parts: T) {
    this.#list = list;
    this.#parts = parts;
  }

  encode(...parts: readonly Part[]): string {
    return Buffer.from([this.#list, ...parts].join(" ")).toString("base64url");
  }

  /** Undefined for the list's beginning. @throws SomaError GATEWAY_CURSOR */
  decode(cursor: string | undefined): z.output<T> | undefined {
    if (cursor === undefined) return undefined;
    const [list, ...parts] = Buffer.from(cursor, "base64url").toString("utf8").split(" ");
    const parsed = this.#parts.safeParse(parts);
    if (list !== this.#list || !parsed.success || this.encode(...(parts as Part[])) !== cursor) {
      throw new SomaError("GATEWAY_CURSOR", "the cursor is of no page of this list; begin without one");
    }
    return parsed.data;
  }

  /** A page out of `limit` entries and one more, which shows that there are others. */
  page<R>(
    rows: readonly R[],
    limit: number,
    last: (row: R) => readonly Part[],
  ): { rows: R[]; next: string | null } {
    const shown = rows.slice(0, limit);
    const hasMore = rows.length > limit;
    return { rows: shown, next: hasMore ? this.encode(...last(shown.at(-1)!)) : null };
  }
}
