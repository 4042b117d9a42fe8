import { fromHex, isHex, toHex } from "@soma/base";
import { z } from "zod";

/** A bigint as a decimal string on the wire (`-?[0-9]+`, no leading zero, at most 80 digits). */
export const decimal = z.codec(z.string().regex(/^(0|-?[1-9][0-9]{0,79})$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});

/** A bigint of at least zero as a decimal string: tokens, stake, sequence numbers. */
export const amount = decimal.refine((value) => value >= 0n, "negative");

/** Bytes as lower-case hex on the wire, of exactly `length` bytes if that is given. */
export function hexBytes(length?: number) {
  return z.codec(
    z.string().refine((text) => isHex(text, length), `not lower-case hex of ${length ?? "whole"} bytes`),
    z.custom<Uint8Array>((value) => value instanceof Uint8Array, "not bytes"),
    { decode: (text) => fromHex(text), encode: (bytes) => toHex(bytes) },
  );
}

/** A 32-byte id or digest that stays lower-case hex text in the program. */
export const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

/** Milliseconds since the Unix epoch, or a duration: a whole number of at least zero. */
export const millis = z.int().min(0);

/** A whole number in u32. */
export const u32 = z.int().min(0).max(0xffffffff);
