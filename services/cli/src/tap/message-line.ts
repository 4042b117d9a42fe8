import { toHex } from "@soma/base";
import type { Message } from "@soma/contracts";
import type { TappedMessage } from "@soma/runtime";
import { colours } from "../terminal.ts";
import { abridge, bytesOf } from "./abridge.ts";

/** Lines that a shortened body may take. */
const BODY_LINES = 3;
const INDENT = "  ";

/** What a message says, as an object for `printJson`. */
export function messageJson(tapped: TappedMessage, full: boolean): Record<string, unknown> {
  const { at, message, subject, size, traceId, payload, body } = tapped;
  return {
    at: new Date(at).toISOString(),
    message: message.name,
    version: message.version,
    subject,
    size,
    traceId: traceId ?? null,
    ...(body.ok
      ? { body: abridge(body.value, full) }
      : { code: body.code, reason: body.message, bytes: full ? toHex(payload) : bytesOf(payload) }),
  };
}

/** The same for a person: a line of what and when, and the body under it. */
export function messageText(tapped: TappedMessage, options: { full: boolean; columns: number }): string {
  const { at, message, subject, size, traceId, payload, body } = tapped;
  const head = [
    colours.dim(timeOf(at)),
    (body.ok ? colours.bold : colours.red)(message.name),
    ...tokensOf(message, subject),
    sizeOf(size),
    ...(traceId === undefined ? [] : [colours.dim(`trace ${options.full ? traceId : traceId.slice(0, 8)}`)]),
  ].join("  ");
  const text = body.ok
    ? JSON.stringify(abridge(body.value, options.full))
    : `${body.code}: ${body.message}; ${options.full ? toHex(payload) : bytesOf(payload)}`;
  if (options.full) return `${head}\n${INDENT}${text}`;
  return [head, ...linesOf(text, options.columns - INDENT.length).map((line) => INDENT + line)].join("\n");
}

/** What the subject says beyond the message's name. */
function tokensOf({ parts }: Message, subject: string): string[] {
  const last = subject.split(".").slice(-parts.length);
  return last.filter((_, i) => typeof parts[i] !== "string");
}

function linesOf(text: string, width: number): string[] {
  const room = width * BODY_LINES;
  const cut = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  const lines: string[] = [];
  for (let at = 0; at < cut.length; at += width) lines.push(cut.slice(at, at + width));
  return lines;
}

/** Of the day, in the zone of who looks. */
function timeOf(at: number): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const millis = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${millis}`;
}

/** Right-aligned, so that sizes of lines under each other compare. */
function sizeOf(bytes: number): string {
  const text = bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KiB`;
  return text.padStart(9);
}
