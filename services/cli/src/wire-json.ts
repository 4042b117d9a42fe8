import { toHex } from "@soma/base";

/**
 * A decoded value of the wire as JSON: u64 as decimal strings, bytes as lower-case hex, a variant as {"Name": content}
 * with null for one that has no content.
 */
export function wireJson(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(wireJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$kind" in value) {
    const name = String(value.$kind);
    const content: unknown = Reflect.get(value, name);
    return { [name]: content === true ? null : wireJson(content) };
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, wireJson(field)]));
}
