"""ARITH-2: quantisation to int16 Q4.11."""

from fractions import Fraction
from math import isfinite

from refusal import Refused

MAX_DIMENSION = 2048


def quantise(vector: list[float]) -> list[int]:
    if not 1 <= len(vector) <= MAX_DIMENSION:
        raise Refused("EMBEDDING_DIMENSION")
    out = []
    for x in vector:
        if not isfinite(x):
            raise Refused("EMBEDDING_NOT_FINITE")
        # round() of a Fraction is exact and takes halves to the even integer.
        q = round(Fraction(x) * 2048)
        if abs(q) > 32767:
            raise Refused("EMBEDDING_RANGE")
        out.append(q)
    return out
