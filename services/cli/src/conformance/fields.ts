import { fromHex } from "@soma/base";
import { type Rational, rational } from "@soma/sampling";
import { z } from "zod";

// The forms of CONFORMANCE.md: bytes are lower-case hex, whatever may pass 2^53 is a decimal string. How long
// they may be is bounded by the line that carries them, and by the functions themselves.

/** Bytes as lower-case hex, kept as text: ids, which sort as their bytes do. */
export const hexText = z.string().regex(/^(?:[0-9a-f]{2})*$/, "lower-case hex of whole bytes");

/** Bytes as lower-case hex. */
export const bytes = hexText.transform(fromHex);

/** A natural number below 10^100 as decimal text, in its one form: no sign, no leading zero. */
export const natural = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,99})$/, "a natural number in decimal")
  .transform(BigInt);

/** An integer that a JSON number holds exactly. */
export const integer = z.int();

const numerator = z.union([z.int(), z.string().regex(/^-?[0-9]{1,100}$/, "an integer in decimal")]);

/** {num, den} with den > 0, each a number, or a decimal string where it passes 2^53. */
export const fraction = z
  .object({ num: numerator, den: numerator })
  .transform(({ num, den }) => ({ num: BigInt(num), den: BigInt(den) }))
  .refine(({ den }) => den > 0n, "the denominator is positive")
  .transform(({ num, den }): Rational => rational(num, den));

/** Finite numbers; zod's number refuses NaN and the infinities. */
export const numbers = z.array(z.number());
