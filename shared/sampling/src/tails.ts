import { err, ok, type Result } from "@soma/base";
import { type Rational, rational } from "./rational.ts";

/** Bound on a population (ARITH-4). */
export const MAX_ENCODERS = 1_000_000;
const MAX_TAIL_SIZE = 20_000;

/** P[Bin(n, p) >= threshold] as an unreduced fraction, by the exact ratio of neighbouring terms; 0 <= p <= 1. */
export function binomialTail(n: number, p: Rational, threshold: number): Rational {
  const honest = p.den - p.num;
  let term = p.num ** BigInt(n);
  let sum = 0n;
  if (p.num > 0n) {
    for (let k = n; k >= threshold && k >= 0; k--) {
      sum += term;
      term = (term * BigInt(k) * honest) / (BigInt(n - k + 1) * p.num);
    }
  } else if (threshold <= 0) sum = honest ** BigInt(n);
  return { num: sum, den: p.den ** BigInt(n) };
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let out = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) out = (out * BigInt(n - i + 1)) / BigInt(i);
  return out;
}

/** P[X >= threshold] for X dishonest among `size` of `encoders` without replacement; unreduced. */
export function populationTail(
  encoders: number,
  dishonest: number,
  size: number,
  threshold: number,
): Rational {
  const most = Math.min(size, dishonest);
  const least = Math.max(threshold, 0, size - (encoders - dishonest));
  let sum = 0n;
  if (least <= most) {
    let term = choose(dishonest, least) * choose(encoders - dishonest, size - least);
    for (let k = least; k <= most; k++) {
      sum += term;
      term =
        (term * BigInt(dishonest - k) * BigInt(size - k)) /
        (BigInt(k + 1) * BigInt(encoders - dishonest - size + k + 1));
    }
  }
  return { num: sum, den: choose(encoders, size) };
}

/**
 * P[X >= threshold] for X ~ Hypergeometric(encoders, dishonestCount, size), exactly, in lowest terms.
 * Refuses with SHARD_INPUT_INVALID numbers that are not integers, or out of 0 <= dishonestCount, size <= encoders.
 */
export function hypergeometricTail(
  encoders: number,
  dishonestCount: number,
  size: number,
  threshold: number,
): Result<Rational> {
  const integers = [encoders, dishonestCount, size, threshold].every(
    (n) => Number.isSafeInteger(n) && n >= 0,
  );
  if (!integers || encoders > MAX_ENCODERS || dishonestCount > encoders || size > encoders) {
    return err("SHARD_INPUT_INVALID", "not the numbers of a population and a sample of it");
  }
  if (Math.min(size, encoders - size) > MAX_TAIL_SIZE) {
    return err("SHARD_INPUT_INVALID", "the sample is too large for an exact tail");
  }
  const { num, den } = populationTail(encoders, dishonestCount, size, threshold);
  return ok(rational(num, den));
}
