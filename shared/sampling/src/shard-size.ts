import { err, floorDiv, ok, type Result } from "@soma/base";
import { compareRational, formatRational, type Rational, rational } from "./rational.ts";
import { certainFrom, MAX_SHARD, quorumOf } from "./tail-bound.ts";

/** How a fraction of the encoders becomes a number of dishonest ones. */
export type Rounding = "ceil" | "floor";

/** Bound on a population (ARITH-4). */
export const MAX_ENCODERS = 1_000_000;
const MAX_TAIL_SIZE = 20_000;

const CACHE_LIMIT = 1024;
const seatsCache = new Map<string, Result<{ size: number; first: number }>>();
const sizeCache = new Map<string, Result<ShardSize>>();

function cached<T>(cache: Map<string, T>, key: string, compute: () => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = compute();
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, value);
  return value;
}

/** Lowest terms, or null unless 0 <= value <= 1 with a denominator that keeps exact powers affordable. */
function probability(value: Rational, maxDenominator: bigint): Rational | null {
  if (value.den <= 0n || value.num < 0n || value.num > value.den) return null;
  const reduced = rational(value.num, value.den);
  return reduced.den <= maxDenominator ? reduced : null;
}

interface Question {
  readonly dishonest: Rational;
  readonly quorum: Rational;
  readonly budget: Rational;
}

/** Refuses with SHARD_INPUT_INVALID what is not 0 <= dishonest < 1, 0 < quorum <= 1, 0 < budget < 1. */
function check(question: Question): Result<Question> {
  const dishonest = probability(question.dishonest, 10n ** 9n);
  const quorum = probability(question.quorum, 1000n);
  const budget = probability(question.budget, 10n ** 1400n);
  if (dishonest === null || dishonest.num === dishonest.den) {
    return err("SHARD_INPUT_INVALID", "the dishonest share is not in [0, 1) with a denominator up to 10^9");
  }
  if (quorum === null || quorum.num === 0n) {
    return err("SHARD_INPUT_INVALID", "the quorum is not in (0, 1] with a denominator up to 1000");
  }
  if (budget === null || budget.num === 0n || budget.num === budget.den) {
    return err("SHARD_INPUT_INVALID", "the budget is not in (0, 1)");
  }
  return ok({ dishonest, quorum, budget });
}

/** P[Bin(n, p) >= threshold] as an unreduced fraction, by the exact ratio of neighbouring terms. */
function binomialTail(n: number, p: Rational, threshold: number): Rational {
  const honest = p.den - p.num;
  let term = p.num ** BigInt(n);
  let sum = 0n;
  if (p.num > 0n) {
    for (let k = n; k >= threshold; k--) {
      sum += term;
      term = (term * BigInt(k) * honest) / (BigInt(n - k + 1) * p.num);
    }
  } else if (threshold === 0) sum = honest ** BigInt(n);
  return { num: sum, den: p.den ** BigInt(n) };
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let out = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) out = (out * BigInt(n - i + 1)) / BigInt(i);
  return out;
}

/** P[X >= threshold] for X dishonest among `size` of `encoders` without replacement; unreduced. */
function populationTail(encoders: number, dishonest: number, size: number, threshold: number): Rational {
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
 * The first size that `fits`, and the smallest from which all larger ones do too. `certain` bounds the search:
 * from it on everything is known to fit. Null when nothing below or at `certain` fits.
 */
function firstAndStable(
  certain: number,
  fits: (n: number) => boolean,
): { size: number; first: number } | null {
  if (!fits(certain)) return null;
  let size = certain;
  while (size > 1 && fits(size - 1)) size--;
  let first = 1;
  while (first < size && !fits(first)) first++;
  return { size, first };
}

/**
 * SHARD-1: seats by independent draws. `size` is the smallest n with P[Bin(n, dishonest) >= ceil(quorum * n)]
 * <= budget for it and every larger n; `first` the first n at all (the tail is not monotone, since the quorum
 * jumps). Exact: beyond the n that Chernoff's bound settles for good nothing is searched, below it every tail
 * is a BigInt fraction. Refuses with SHARD_INPUT_INVALID, or SHARD_NO_SIZE when no n up to MAX_SHARD will do.
 */
export function shardSeats(
  dishonest: Rational,
  quorum: Rational,
  budget: Rational,
): Result<{ size: number; first: number }> {
  const checked = check({ dishonest, quorum, budget });
  if (!checked.ok) return checked;
  const { dishonest: p, quorum: q, budget: e } = checked.value;
  const key = [p, q, e].map((r) => `${r.num}/${r.den}`).join(" ");
  return cached(seatsCache, key, () => {
    const certain = certainFrom(p, q, e);
    if (certain === null) return err("SHARD_NO_SIZE", "no shard size meets the budget");
    const found = firstAndStable(certain, (n) => compareRational(binomialTail(n, p, quorumOf(n, q)), e) <= 0);
    return found === null ? err("SHARD_NO_SIZE", "no shard size meets the budget") : ok(found);
  });
}

/** What SHARD-2 asks: `encoders` equal nodes, a share of them dishonest, drawn without replacement. */
export interface ShardSizeQuestion extends Question {
  readonly encoders: number;
  readonly rounding: Rounding;
}

/** The stable size, the first one, and the exact tail "num/den" at the stable size. */
export interface ShardSize {
  readonly size: number;
  readonly first: number;
  readonly tail: string;
}

/**
 * SHARD-2, the estimate for equal nodes: D = encoders * dishonest, rounded; X ~ Hypergeometric(encoders, D, n); the
 * smallest n such that P[X >= ceil(quorum * n)] <= budget for it and every larger n up to all encoders. For
 * reports, simulations and conformance, not for the draw. Refuses as `shardSeats` does.
 */
export function shardSize(question: ShardSizeQuestion): Result<ShardSize> {
  const { encoders, rounding } = question;
  if (!Number.isInteger(encoders) || encoders < 1 || encoders > MAX_ENCODERS) {
    return err("SHARD_INPUT_INVALID", "the number of encoders is out of bounds");
  }
  if (rounding !== "ceil" && rounding !== "floor") return err("SHARD_INPUT_INVALID", "unknown rounding");
  const checked = check(question);
  if (!checked.ok) return checked;
  const { dishonest, quorum, budget } = checked.value;
  const exact = dishonest.num * BigInt(encoders);
  const count = Number(floorDiv(rounding === "ceil" ? exact + dishonest.den - 1n : exact, dishonest.den));
  const key = `${encoders} ${count} ${formatRational(quorum)} ${formatRational(budget)}`;
  return cached(sizeCache, key, () => {
    if (count === encoders) return err("SHARD_NO_SIZE", "every encoder is dishonest");
    const bound = certainFrom(rational(BigInt(count), BigInt(encoders)), quorum, budget);
    const certain = Math.min(bound ?? encoders, encoders);
    if (certain > MAX_SHARD) return err("SHARD_NO_SIZE", "no shard size meets the budget");
    const tail = (n: number) => populationTail(encoders, count, n, quorumOf(n, quorum));
    const found = firstAndStable(certain, (n) => compareRational(tail(n), budget) <= 0);
    if (found === null) return err("SHARD_NO_SIZE", "no shard size meets the budget");
    return ok({ ...found, tail: formatRational(tail(found.size)) });
  });
}

/**
 * P[X >= threshold] for X ~ Hypergeometric(encoders, dishonestCount, size), exactly, as "num/den" in lowest terms.
 * Refuses with SHARD_INPUT_INVALID numbers that are not integers, or out of 0 <= dishonestCount, size <= encoders.
 */
export function hypergeometricTail(
  encoders: number,
  dishonestCount: number,
  size: number,
  threshold: number,
): Result<string> {
  const integers = [encoders, dishonestCount, size, threshold].every(
    (n) => Number.isSafeInteger(n) && n >= 0,
  );
  if (!integers || encoders > MAX_ENCODERS || dishonestCount > encoders || size > encoders) {
    return err("SHARD_INPUT_INVALID", "not the numbers of a population and a sample of it");
  }
  if (Math.min(size, encoders - size) > MAX_TAIL_SIZE) {
    return err("SHARD_INPUT_INVALID", "the sample is too large for an exact tail");
  }
  return ok(formatRational(populationTail(encoders, dishonestCount, size, threshold)));
}
