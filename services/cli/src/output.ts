import { once } from "node:events";
import { getSystemErrorMessage, stripVTControlCharacters } from "node:util";
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
  process.stderr.write(`${errorColours.red("error")} ${failureText(error, process.env)}\n`);
}

/**
 * A failure in one sentence. What the operating system refused is told in its words, what nobody expected by its
 * message alone, or with SOMA_STACK=1 by where it came from.
 */
export function failureText(error: unknown, env: NodeJS.ProcessEnv): string {
  if (env["SOMA_STACK"] === "1" && error instanceof Error) return printable(error.stack ?? error.message);
  if (error instanceof SomaError) return printable(`${error.code}: ${error.message}`);
  const message = error instanceof Error ? error.message : String(error);
  const { errno, code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (errno === undefined || code === undefined || path === undefined)
    return printable(`UNEXPECTED: ${message}; SOMA_STACK=1 before the command shows where it comes from`);
  return printable(
    `${code}: ${path}: ${getSystemErrorMessage(errno)}; choose another path, or mend this one`,
  );
}

/** Without what would move a terminal's cursor or colour it: the text may come from elsewhere. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "");
}

export function short(id: string): string {
  return id.slice(0, 12);
}

/** A whole number from 1 on, for an option. */
export const parseCount = wholeFrom(1, Number.MAX_SAFE_INTEGER);

/** A whole number within bounds, for an option. */
export function wholeFrom(min: number, max: number): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number ${range}.`);
  };
}
