"""ECON-1, ECON-2, ECON-4, ECON-7 and ECON-9."""

import math

TOKENS = 10**6
# ECON-1, over 2^128.
FRACTION = 214597812230836260612044078501977615
FEE_MIN, FEE_MAX = 1, 10**9


def emission(epochs: int, decimals: int) -> dict:
    cap = remaining = TOKENS * 10**decimals
    minted = 0
    for _ in range(epochs):
        minted = (remaining * FRACTION) >> 128
        remaining -= minted
    return {"cumulative": str(cap - remaining), "emission": str(minted), "remaining": str(remaining)}


def base_fee(fee: int, burned: int, circulating: int) -> int:
    target = circulating * 500 // (10_000 * 365)
    want = FEE_MAX if burned == 0 else fee * target // burned
    step = max(1, fee // 8)
    return min(max(min(max(want, fee - step), fee + step), FEE_MIN), FEE_MAX)


def price(asks: list[tuple[int, int]]) -> int | None:
    total = sum(stake for _, stake in asks)
    for p in sorted({p for p, _ in asks}):
        if 3 * sum(stake for q, stake in asks if q <= p) >= 2 * total:
            return p
    return None


def slash(stake: int, epochs: int) -> int:
    for _ in range(epochs):
        stake -= -(-stake * 500 // 10_000)
    return stake


def poisson(probability: float, per_second: float) -> dict:
    rate = probability * per_second
    return {"meanSeconds": 1 / rate, "medianSeconds": math.log(2) / rate}
