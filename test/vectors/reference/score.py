"""DIFF-1, DIFF-2, OUTLIER-1, WEIGHT-1 and SCORE-1: integers and rationals, floats only in the outlier factor."""

from fractions import Fraction
from math import sqrt

from refusal import Refused

Vector = list[int]


def norm2(v: Vector) -> int:
    return sum(x * x for x in v)


def minus(*vectors: Vector) -> Vector:
    """The first vector less all others."""
    first, *rest = vectors
    return [x - sum(other[i] for other in rest) for i, x in enumerate(first)]


def differential_loss(full: Vector, masks: list[Vector], inverses: list[Vector]):
    if not 1 <= len(masks) <= 32 or len(masks) != len(inverses):
        raise Refused("EMBEDDING_COUNTS")
    if not 1 <= len(full) <= 2048 or any(len(v) != len(full) for v in masks + inverses):
        raise Refused("EMBEDDING_DIMENSION")
    pairs = list(zip(masks, inverses, strict=True))
    losses = []
    for a, b in pairs:
        na, nb = norm2(a), norm2(b)
        if na == 0 or nb == 0:
            losses.append(Fraction(2))
        else:
            residual = norm2(minus(full, a, b))
            losses.append(min(Fraction(2), Fraction(residual, 2) * (Fraction(1, na) + Fraction(1, nb))))
    mean = sum(losses, Fraction(0)) / len(losses)
    spread = _dispersion(pairs)
    return {
        "ppb": str(10**9 * mean.numerator // mean.denominator),
        "dispersion": float(spread),
        "gates": {"dimension": True, "counts": len(pairs) >= 2, "dispersion": spread >= Fraction(1, 1000)},
    }


def _dispersion(pairs: list[tuple[Vector, Vector]]) -> Fraction:
    """DIFF-2's V; 0 when all vectors are zero or there is one mask."""
    k = len(pairs)
    size = Fraction(sum(norm2(a) + norm2(b) for a, b in pairs), k)
    if size == 0 or k < 2:
        return Fraction(0)
    apart = sum(
        norm2(minus(pairs[i][0], pairs[j][0])) + norm2(minus(pairs[i][1], pairs[j][1]))
        for i in range(k)
        for j in range(k)
        if i != j
    )
    return Fraction(apart, k * (k - 1)) / 2 / size


def distance2(p: list[float], q: list[float]) -> float:
    return sum((x - y) ** 2 for x, y in zip(p, q, strict=True))


def merge(points: list[list[float]]) -> list[int]:
    """
    For each point the lowest index of its group. Two join that coincide or are closer than a thousandth of
    the median distance (the lower one of an even number); joins are transitive.
    """
    n = len(points)
    apart = sorted(distance2(points[i], points[j]) for i in range(n) for j in range(i))
    if not apart:
        return [0]
    median = apart[(len(apart) - 1) // 2]
    group = list(range(n))
    for i in range(n):
        for j in range(i):
            d = distance2(points[i], points[j])
            if d == 0 or d * 10**6 < median:
                low, high = sorted((group[i], group[j]))
                group = [low if g == high else g for g in group]
    return group


def local_outlier_factor(points: list[list[float]], k: int) -> tuple[list[float], list[float]]:
    """Factors and local reachability densities with exactly k neighbours, ties by lower index."""
    n = len(points)
    d = [[sqrt(distance2(p, q)) for q in points] for p in points]
    neighbours = [sorted((j for j in range(n) if j != i), key=lambda j: (d[i][j], j))[:k] for i in range(n)]
    # The distance to the k-th neighbour; a lone point has none, and its mean reach is 0.
    kth = [d[i][neighbours[i][-1]] if k else 0.0 for i in range(n)]
    lrd = [1 / (sum(max(kth[j], d[i][j]) for j in neighbours[i]) / max(k, 1) + 1e-10) for i in range(n)]
    if n < 4:
        return [1.0] * n, lrd
    return [sum(lrd[j] for j in neighbours[i]) / k / lrd[i] for i in range(n)], lrd


def outlier(points: list[list[float]], k: int | None):
    if not points:
        raise Refused("OUTLIER_EMPTY")
    if any(len(p) != len(points[0]) for p in points):
        raise Refused("OUTLIER_DIMENSION")
    group = merge(points)
    kept = sorted(set(group))
    n = len(kept)
    lof, lrd = local_outlier_factor([points[i] for i in kept], min(max(2, n // 3 + 1) if k is None else k, n - 1))
    at = {index: place for place, index in enumerate(kept)}
    return {"lof": [lof[at[g]] for g in group], "lrd": [lrd[at[g]] for g in group]}


def weighted_average(losses_ppb: list[int], embeddings: list[Vector], excluded: list[int]):
    weights = [0 if i in excluded else 2**64 // (loss + 250_000_000) for i, loss in enumerate(losses_ppb)]
    total = sum(weights)
    if total == 0:
        raise Refused("WEIGHT_NONE")
    columns = zip(*embeddings, strict=True)
    # Python's // is the floor toward minus infinity that ARITH-1 asks for.
    average = [sum(w * x for w, x in zip(weights, column, strict=True)) // total for column in columns]
    return {"weights": [str(w) for w in weights], "average": average}


def doubled_ranks(values: list[float]) -> list[int]:
    """Twice the average rank, 1 = lowest: ranks first..last of a tie share (first + last) / 2."""
    return [2 * sum(w < v for w in values) + sum(w == v for w in values) + 1 for v in values]


def composite(loss: list[float], lof: list[float], latency: list[float]):
    by_loss, by_lof, by_latency = doubled_ranks(loss), doubled_ranks(lof), doubled_ranks(latency)
    totals = [6000 * a + 2500 * b + 1500 * c for a, b, c in zip(by_loss, by_lof, by_latency, strict=True)]
    winning = [7 * a + 3 * b for a, b in zip(by_loss, by_lof, strict=True)]
    assert winning.count(min(winning)) == 1, "ties of winners break by the job's seed, which a case does not hold"
    return {"composite": totals, "winner": winning.index(min(winning))}
