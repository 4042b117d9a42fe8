import { type Column, tableOf } from "../table.ts";

/** What stands in a table, and the same for a machine: a value for each of its column's names in CSV. */
export interface Cell {
  readonly text: string;
  readonly raw: readonly (string | number)[];
}

export interface StudyColumn extends Column {
  readonly csv: readonly string[];
  /** Its cells come from draws, so that another number of draws gives others. */
  readonly isDrawn?: boolean;
}

export interface StudyTable {
  /** Also the name of its CSV file. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly StudyColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

export function cell(text: string, ...raw: readonly (string | number)[]): Cell {
  return { text, raw: raw.length === 0 ? [text] : raw };
}

export function plainLines({ columns, rows }: StudyTable): string[] {
  return tableOf(
    columns,
    rows.map((row) => row.map(({ text }) => text)),
  );
}

export function markdownLines({ columns, rows }: StudyTable): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map((row) => line(row.map(({ text }) => text))),
  ];
}

/** RFC 4180, but for the line ends. */
export function csvText({ columns, rows }: StudyTable): string {
  const quoted = (value: string | number) => {
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.flatMap(({ csv }) => csv), ...rows.map((row) => row.flatMap(({ raw }) => raw))];
  return lines.map((line) => `${line.map(quoted).join(",")}\n`).join("");
}
