import { err, ok, type Result } from "@soma/base";

/** An exact fraction num/den with den > 0; lowest terms unless said otherwise (ARITH-1). */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** num/den in lowest terms. @throws RangeError unless den > 0. */
export function rational(num: bigint, den: bigint): Rational {
  if (den <= 0n) throw new RangeError("a fraction's denominator is positive");
  const g = gcd(num, den);
  return { num: num / g, den: den / g };
}

/** Negative, zero or positive as a is below, equal to or above b. */
export function compareRational(a: Rational, b: Rational): number {
  const d = a.num * b.den - b.num * a.den;
  return d < 0n ? -1 : d > 0n ? 1 : 0;
}

/** "num/den" in lowest terms, as reports and conformance show exact probabilities. */
export function formatRational(value: Rational): string {
  const { num, den } = rational(value.num, value.den);
  return `${num}/${den}`;
}

/**
 * The nearest double, to within a unit in its last place: for reports and charts, never for a decision. 0 below 1e-308.
 * The value is not negative.
 */
export function toNumber({ num, den }: Rational): number {
  if (num === 0n) return 0;
  // 64 bits of the quotient hold more than a double does; the rest is a power of two, exact.
  const shift = bitLength(den) - bitLength(num) + 64;
  const quotient = shift >= 0 ? (num << BigInt(shift)) / den : num / (den << BigInt(-shift));
  return shift > 1000 ? (Number(quotient) / 2 ** 64) * 2 ** (64 - shift) : Number(quotient) / 2 ** shift;
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

const DECIMAL = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * The exact value of decimal text such as "0.001" or "1e-13", which no JS number holds.
 * Refuses with RATIONAL_MALFORMED what is not such text, or has more than 400 digits or an exponent beyond 1000.
 */
export function parseDecimal(text: string): Result<Rational> {
  const match = DECIMAL.exec(text);
  if (match === null) return err("RATIONAL_MALFORMED", "not a decimal number");
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const shift = Number(exponent) - fraction.length;
  if (shift > 1000 || shift < -1400) return err("RATIONAL_MALFORMED", "the exponent is out of bounds");
  const digits = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  return ok(
    shift >= 0 ? rational(digits * 10n ** BigInt(shift), 1n) : rational(digits, 10n ** BigInt(-shift)),
  );
}
