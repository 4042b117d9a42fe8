import { z } from "zod";
import { Secret } from "./secret.ts";

/** Any text of at least one character. */
export function text() {
  return z.string().min(1);
}

/** One of the given words. */
export function choice<const W extends readonly [string, ...string[]]>(words: W) {
  return z.enum(words);
}

/** A whole number in decimal. */
export function integer(bounds: { readonly min?: number; readonly max?: number } = {}) {
  return z
    .string()
    .regex(/^-?[0-9]{1,16}$/, "not a whole number")
    .transform(Number)
    .pipe(
      z
        .int()
        .min(bounds.min ?? Number.MIN_SAFE_INTEGER)
        .max(bounds.max ?? Number.MAX_SAFE_INTEGER),
    );
}

/** A number between 0 and 1, as a sampling ratio. */
export function ratio() {
  return z.string().transform(Number).pipe(z.number().min(0).max(1));
}

/** `true` or `false`. */
export function flag() {
  return z.enum(["true", "false"]).transform((word) => word === "true");
}

const MILLIS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `250ms`, `30s`, `5m`, `1h`, `7d`; the value is in milliseconds. */
export function duration() {
  return z
    .string()
    .regex(/^[0-9]{1,9}(ms|s|m|h|d)$/, "not a duration such as 30s")
    .transform((word) => {
      const unit = word.replace(/^[0-9]+/, "") as keyof typeof MILLIS;
      return Number.parseInt(word, 10) * MILLIS[unit];
    });
}

const BYTES = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** A size such as `65536`, `64KiB`, `16MiB`, `2GiB`; the value is in bytes. */
export function bytes() {
  return z
    .string()
    .regex(/^[0-9]{1,12}(KiB|MiB|GiB)?$/, "not a size such as 64KiB")
    .transform((word) => {
      const unit = word.replace(/^[0-9]+/, "") as keyof typeof BYTES;
      return Number.parseInt(word, 10) * BYTES[unit];
    });
}

/** Items between commas; an empty text is an empty list. */
export function list() {
  return z.string().transform((all) =>
    all
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  );
}

/** A URL with one of the given protocols (`["nats", "tls"]`), kept as text. */
export function url(protocols: readonly string[]) {
  return z.string().refine(
    (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      return parsed !== undefined && protocols.includes(parsed.protocol.replace(":", ""));
    },
    `not a URL of ${protocols.join(" or ")}`,
  );
}

/** Text that must not be printed: a password, a URL with a password, a key. */
export function secret() {
  return z
    .string()
    .min(1)
    .transform((value) => new Secret(value));
}
