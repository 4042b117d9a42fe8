import { toHex } from "@soma/base";

const HEX_SHOWN = 12;
const BYTES_SHOWN = 16;
const ITEMS_SHOWN = 3;
const DEEPEST = 5;

/**
 * A decoded body as JSON for a person: bigints as decimal strings, bytes as their number and beginning, long hex and
 * long lists cut, enums as `{ Variant: value }`. With `full` nothing is cut and bytes are hex.
 */
export function abridge(value: unknown, full: boolean, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return full ? value : shortHex(value);
  if (value instanceof Uint8Array) return full ? toHex(value) : bytesOf(value);
  if (typeof value !== "object" || value === null) return value;
  if (!full && depth >= DEEPEST) return "…";
  if (Array.isArray(value)) return listOf(value, full, depth);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "$kind")
      .map(([key, part]) => [key, abridge(part, full, depth + 1)]),
  );
}

function listOf(list: readonly unknown[], full: boolean, depth: number): unknown[] {
  const shown = full || list.length <= ITEMS_SHOWN + 1 ? list : list.slice(0, ITEMS_SHOWN);
  const parts = shown.map((part) => abridge(part, full, depth + 1));
  return shown.length === list.length ? parts : [...parts, `… ${list.length - shown.length} more`];
}

function shortHex(text: string): string {
  return text.length >= 32 && /^[0-9a-f]+$/.test(text) ? `${text.slice(0, HEX_SHOWN)}…` : text;
}

/** How many bytes, and how they begin. */
export function bytesOf(bytes: Uint8Array): string {
  const cut = bytes.length > BYTES_SHOWN ? "…" : "";
  return `${bytes.length} bytes ${toHex(bytes.subarray(0, BYTES_SHOWN))}${cut}`.trimEnd();
}
