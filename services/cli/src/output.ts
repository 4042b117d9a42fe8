import { once } from "node:events";
import { SomaError } from "@soma/base";
import { InvalidArgumentError } from "commander";
import { errorColours } from "./terminal.ts";

/** One JSON object on a line, bigints as decimal strings. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? part.toString() : part,
  );
  return `${text}\n`;
}

export function printJson(value: unknown): void {
  process.stdout.write(jsonLine(value));
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes to standard output and waits until whoever reads it has room for more. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** Says on standard error what went wrong and with which code; the command then ends with status 1. */
export function printFailure(error: unknown): void {
  const mark = errorColours.red("error");
  if (error instanceof SomaError) {
    process.stderr.write(`${mark} ${error.code}: ${error.message}\n`);
    return;
  }
  process.stderr.write(
    `${mark} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

export function short(id: string): string {
  return id.slice(0, 12);
}

/** A whole number from 1 on, for an option. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("A whole number from 1 on.");
  return value;
}
