import { SomaError } from "@soma/base";
import pc from "picocolors";

/** One JSON object on a line of standard output, bigints as decimal strings. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? part.toString() : part,
  );
  process.stdout.write(`${text}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says on standard error what went wrong and with which code; the command then ends with status 1. */
export function printFailure(error: unknown): void {
  if (error instanceof SomaError) {
    process.stderr.write(`${pc.red("error")} ${error.code}: ${error.message}\n`);
    return;
  }
  process.stderr.write(
    `${pc.red("error")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

export function short(id: string): string {
  return id.slice(0, 12);
}
