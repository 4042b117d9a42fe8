import { err, floorDiv, ok, type Result } from "@soma/base";
import { compareRational, formatRational, type Rational, rational } from "./rational.ts";
import { certainFrom, MAX_SHARD, quorumOf } from "./tail-bound.ts";
import { binomialTail, MAX_ENCODERS, populationTail } from "./tails.ts";

/** How a fraction of the encoders becomes a number of dishonest ones. */
export type Rounding = "ceil" | "floor";

const CACHE_LIMIT = 1024;
const seatsCache = new Map<string, Result<StableSize>>();
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

/**
 * The first size that `fits`, and the smallest from which all larger ones do too. `certain` bounds the search:
 * from it on everything is known to fit. Null when nothing below or at `certain` fits.
 */
function firstAndStable(certain: number, fits: (n: number) => boolean): StableSize | null {
  if (!fits(certain)) return null;
  let size = certain;
  while (size > 1 && fits(size - 1)) size--;
  let first = 1;
  while (first < size && !fits(first)) first++;
  return { size, first };
}

/** A shard size that holds for it and every larger one, and the first that holds at all. */
export interface StableSize {
  readonly size: number;
  readonly first: number;
}

/**
 * SHARD-1: seats by independent draws. `size` is the smallest n with P[Bin(n, dishonest) >= ceil(quorum * n)]
 * <= budget for it and every larger n; `first` the first n at all (the tail is not monotone, since the quorum
 * jumps). Exact: beyond the n that Chernoff's bound settles for good nothing is searched, below it every tail
 * is a BigInt fraction. Refuses with SHARD_INPUT_INVALID, or SHARD_NO_SIZE when no n up to MAX_SHARD will do.
 */
export function shardSeats(dishonest: Rational, quorum: Rational, budget: Rational): Result<StableSize> {
  const checked = check({ dishonest, quorum, budget });
  if (!checked.ok) return checked;
  const { dishonest: p, quorum: q, budget: e } = checked.value;
  const key = [p, q, e].map((r) => `${r.num}/${r.den}`).join(" ");
  return cached(seatsCache, key, () => search(checked.value, (n) => quorumOf(n, q)));
}

/**
 * The same for any event that needs `thresholdOf(n)` dishonest seats of n, which never falls below the share
 * `question.quorum` of them: that share alone ends the search. Refuses as `shardSeats` does.
 */
export function seatsAgainst(
  question: { readonly dishonest: Rational; readonly quorum: Rational; readonly budget: Rational },
  thresholdOf: (n: number) => number,
): Result<StableSize> {
  const checked = check(question);
  return checked.ok ? search(checked.value, thresholdOf) : checked;
}

function search(
  { dishonest, quorum, budget }: Question,
  thresholdOf: (n: number) => number,
): Result<StableSize> {
  const certain = certainFrom(dishonest, quorum, budget);
  const fits = (n: number) => compareRational(binomialTail(n, dishonest, thresholdOf(n)), budget) <= 0;
  const found = certain === null ? null : firstAndStable(certain, fits);
  return found === null ? err("SHARD_NO_SIZE", "no shard size meets the budget") : ok(found);
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
