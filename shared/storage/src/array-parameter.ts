import { toHex } from "@soma/base";

/** Of the types whose arrays are sent as bytes, the server's number: these are nearly all of what is written. */
const BINARY: ReadonlyMap<string, number> = new Map([
  ["bytea", 17],
  ["text", 25],
]);
/** Dimensions, whether there are nulls, type of the elements, their number, number of the first. */
const HEADER = 20;
const NULL = -1;

/**
 * A column's values as one parameter that is cast to an array of `type`. Bytes and texts go in Postgres' binary form: in
 * the text form each is quoted and bytes are hex digits, which takes three to eight times as long to write.
 */
export function arrayParameter(type: string, values: readonly unknown[]): Buffer | string {
  const element = BINARY.get(type);
  if (element === undefined || values.length === 0) return `{${values.map(elementOf).join()}}`;
  let length = HEADER;
  let nulls = 0;
  for (const value of values) {
    length += 4;
    if (value === null || value === undefined) nulls = 1;
    else if (type === "bytea" && value instanceof Uint8Array) length += value.length;
    else if (type === "text" && typeof value === "string") length += Buffer.byteLength(value);
    else throw new TypeError(`no value of a column of ${type}: ${typeof value}`);
  }
  const out = Buffer.allocUnsafe(length);
  let at = HEADER;
  for (const [i, word] of [1, nulls, element, values.length, 1].entries()) out.writeInt32BE(word, 4 * i);
  for (const value of values) {
    let size = NULL;
    if (value instanceof Uint8Array) {
      out.set(value, at + 4);
      size = value.length;
    } else if (typeof value === "string") size = out.write(value, at + 4);
    at = out.writeInt32BE(size, at) + Math.max(size, 0);
  }
  return out;
}

/** An element as Postgres reads it in an array's text. */
function elementOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) return `"\\\\x${toHex(value)}"`;
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw new TypeError(`no value of a column: ${typeof value}`);
}
