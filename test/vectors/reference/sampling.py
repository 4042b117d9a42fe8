"""SAMPLE-1 and SAMPLE-2, with integers of any size."""

from hashing import sha256, u32
from refusal import Refused

SPACE = 2**256


def _candidates(ids: list[bytes], stakes: list[int]) -> list[int]:
    """Indices of those with stake, sorted by id as bytes."""
    if len(set(ids)) != len(ids):
        raise Refused("SAMPLE_ID_DUPLICATE")
    return sorted((i for i in range(len(ids)) if stakes[i] > 0), key=lambda i: ids[i])


def _draw(seed: bytes, draw: int, pool: list[int], stakes: list[int]) -> int:
    """Place in `pool` that draw number `draw` hits."""
    total = sum(stakes[i] for i in pool)
    bound = SPACE // total * total
    attempt = 0
    while True:
        r = int.from_bytes(sha256(seed, u32(draw), u32(attempt)), "big")
        if r < bound:
            break
        attempt += 1
    ticket = r % total
    cumulative = 0
    for place, i in enumerate(pool):
        cumulative += stakes[i]
        if cumulative > ticket:
            return place
    raise AssertionError("a ticket is below the total")


def weighted(seed: bytes, ids: list[bytes], stakes: list[int], m: int) -> list[int]:
    """SAMPLE-1: m draws without replacement; all candidates, in draw order, if there are fewer."""
    pool = _candidates(ids, stakes)
    out = []
    for draw in range(min(m, len(pool))):
        out.append(pool.pop(_draw(seed, draw, pool, stakes)))
    return out


def seats(seed: bytes, ids: list[bytes], stakes: list[int], n: int) -> list[int]:
    """SAMPLE-2: n draws with replacement."""
    pool = _candidates(ids, stakes)
    if n > 0 and not pool:
        raise Refused("SAMPLE_NO_STAKE")
    return [pool[_draw(seed, draw, pool, stakes)] for draw in range(n)]
