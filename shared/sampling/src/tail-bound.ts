import { ceilDiv } from "@soma/base";
import { compareRational, type Rational } from "./rational.ts";

/** Shards larger than this are refused: nothing that runs needs them, and exact tails grow dear. */
export const MAX_SHARD = 2000;

const BITS = 256n;
const ONE = 1n << BITS;

/** ceil(quorum * n): the seats that form a quorum of n. */
export function quorumOf(n: number, quorum: Rational): number {
  return Number(ceilDiv(quorum.num * BigInt(n), quorum.den));
}

/**
 * The base r of Chernoff's bound, rounded up to a multiple of 2^-256 and scaled by 2^256. For Q = a/b > p,
 *
 *   P[Bin(n, p) >= Q n] <= r^n,   r = (p/Q)^Q * ((1-p)/(1-Q))^(1-Q) < 1   (0^0 = 1 for Q = 1),
 *
 * and by Hoeffding (1963, theorem 4) the same holds for draws without replacement from a share p. r itself is
 * irrational, but r^b is not: r^b = (pb/a)^a ((1-p)b/(b-a))^(b-a), so the least integer x with (x/2^256)^b >= r^b
 * is found by bisection on integers.
 */
function chernoffBase(p: Rational, quorum: Rational): bigint {
  const [a, b] = [quorum.num, quorum.den];
  const c = b - a;
  const num = (p.num * b) ** a * ((p.den - p.num) * b) ** c;
  const den = (p.den * a) ** a * (p.den * c) ** c;
  const target = num << (BITS * b);
  let [low, high] = [-1n, ONE];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** b * den >= target) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Some n0 <= MAX_SHARD such that for every n >= n0 the probability of at least ceil(quorum * n) dishonest among n
 * draws, each dishonest with share p (with replacement or without), is at most `budget`; null if none is found.
 * Sound because r^n falls with n, and every rounding here is upward. Needs 0 <= p < 1 and 0 < quorum <= 1.
 */
export function certainFrom(p: Rational, quorum: Rational, budget: Rational): number | null {
  if (compareRational(p, quorum) >= 0) return null;
  const base = chernoffBase(p, quorum);
  let power = ONE;
  for (let n = 1; n <= MAX_SHARD; n++) {
    power = ceilDiv(power * base, ONE);
    if (power * budget.den <= budget.num * ONE) return n;
  }
  return null;
}
