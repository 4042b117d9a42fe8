import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds from `since` until a process of the network said that its service was ready; undefined if it has not. */
export function readyAgainAfter(folder: string, process: string, since: number): number | undefined {
  const path = join(folder, "logs", `${process}.log`);
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  for (const line of lines.reverse()) {
    if (!line.includes('"state":"ready"')) continue;
    const { time } = JSON.parse(line) as { time: string };
    const after = Date.parse(time) - since;
    return after > 0 ? after : undefined;
  }
  return undefined;
}

/** Rows of cells as lines of a table, each column as wide as it needs. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
