"""SHARD-1 and SHARD-2 in exact rationals."""

from fractions import Fraction
from math import comb, log

from refusal import Refused


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def hypergeometric_tail(population: int, bad: int, draws: int, threshold: int) -> Fraction:
    """P[X >= threshold] for X bad ones among `draws` without replacement."""
    ways = sum(comb(bad, x) * comb(population - bad, draws - x) for x in range(max(threshold, 0), min(bad, draws) + 1))
    return Fraction(ways, comb(population, draws))


def binomial_tail(draws: int, p: Fraction, threshold: int) -> Fraction:
    """P[X >= threshold] for X ~ Bin(draws, p)."""
    a, b = p.numerator, p.denominator
    ways = sum(comb(draws, x) * a**x * (b - a) ** (draws - x) for x in range(max(threshold, 0), draws + 1))
    return Fraction(ways, b**draws)


def _beyond(bad_share: Fraction, quorum: Fraction, budget: Fraction) -> int:
    """
    A size from which on the tail is surely within budget: by Chernoff and Hoeffding (1963, also without
    replacement) P[X >= q n] <= exp(-n KL(q || p)) for q > p. One per cent of slack covers the floats.
    """
    if quorum <= bad_share:
        raise Refused("SHARD_NO_SIZE")
    if bad_share == 0:
        return 1
    q, p = float(quorum), float(bad_share)
    divergence = q * log(q / p) + (0 if quorum == 1 else (1 - q) * log((1 - q) / (1 - p)))
    return int(-log(float(budget)) / divergence * 1.01) + 2


def _first_and_stable(tail, budget: Fraction, last: int) -> tuple[int, int]:
    """`first` size in 1..last within budget, and the smallest from which all are."""
    within = [tail(n) <= budget for n in range(1, last + 1)]
    if not within[-1]:
        raise Refused("SHARD_NO_SIZE")
    stable = last
    while stable > 1 and within[stable - 2]:
        stable -= 1
    return within.index(True) + 1, stable


def size(encoders: int, dishonest: Fraction, quorum: Fraction, budget: Fraction, rounding: str):
    """SHARD-2. `rounding` is how the number of dishonest encoders, N x dishonest, becomes an integer."""
    exact = encoders * dishonest
    bad = ceil_div(exact.numerator, exact.denominator) if rounding == "ceil" else exact.numerator // exact.denominator

    def tail(n: int) -> Fraction:
        return hypergeometric_tail(encoders, bad, n, ceil_div(quorum.numerator * n, quorum.denominator))

    share = Fraction(bad, encoders)
    last = encoders if quorum <= share else min(encoders, _beyond(share, quorum, budget))
    first, stable = _first_and_stable(tail, budget, last)
    return {"size": stable, "first": first, "tail": text(tail(stable))}


def seats(dishonest: Fraction, quorum: Fraction, budget: Fraction):
    """SHARD-1: the number of seats."""

    def tail(n: int) -> Fraction:
        return binomial_tail(n, dishonest, ceil_div(quorum.numerator * n, quorum.denominator))

    first, stable = _first_and_stable(tail, budget, _beyond(dishonest, quorum, budget))
    return {"size": stable, "first": first}


def text(p: Fraction) -> str:
    """Lowest terms, also for 0 and 1."""
    return f"{p.numerator}/{p.denominator}"
