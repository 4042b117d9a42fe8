import { stripVTControlCharacters } from "node:util";

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly align?: "left" | "right";
}

const GAP = "  ";

/** Lines of a table with its titles; a column is as wide as its widest cell, colours not counted. */
export function tableOf(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, i) => Math.max(...[titles, ...rows].map((row) => widthOf(row[i] ?? ""))));
  return [titles, ...rows].map((row) =>
    columns
      .map(({ align }, i) => padded(row[i] ?? "", widths[i]!, align))
      .join(GAP)
      .trimEnd(),
  );
}

function padded(cell: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(width - widthOf(cell));
  return align === "right" ? space + cell : cell + space;
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
