"""MASK-1 and MASK-2. Pre-image and order of draws: shared/embedding/src/mask-stream.ts (documented layout)."""

from math import comb

from hashing import tagged, u32
from refusal import Refused

PERCENT = {"text": 15, "image": 85, "video": 90, "audio": 50}
MAX_LENGTH = 4096


def count(length: int, percent: int) -> int:
    return min(max((2 * percent * length + 100) // 200, 1), length - 1)


def words(block: bytes, beacon: bytes, data: bytes, index: int):
    """Big-endian u32 words of H(block, beacon, data hash, u32 index, u32 counter), counter 0, 1, ..."""
    counter = 0
    while True:
        digest = tagged("soma.mask", block, beacon, data, u32(index), u32(counter))
        for at in range(0, 32, 4):
            yield int.from_bytes(digest[at : at + 4], "big")
        counter += 1


def below(stream, bound: int) -> int:
    """Uniform in 0..bound-1: the next word under the greatest multiple of `bound`, modulo `bound`."""
    limit = 2**32 // bound * bound
    while True:
        word = next(stream)
        if word < limit:
            return word % bound


def indices(block: bytes, beacon: bytes, data: bytes, length: int, modality: str, masks: int) -> list[list[int]]:
    if length > MAX_LENGTH:
        raise Refused("MASK_TOO_LONG")
    if length < 2:
        raise Refused("MASK_TOO_SHORT")
    selected = count(length, PERCENT[modality])
    available = comb(length, selected)
    if available < 2:
        raise Refused("MASK_TOO_SHORT")
    out: list[list[int]] = []
    for index in range(min(masks, available)):
        stream = words(block, beacon, data, index)
        while True:
            places = list(range(length))
            for i in range(selected):
                j = i + below(stream, length - i)
                places[i], places[j] = places[j], places[i]
            mask = sorted(places[:selected])
            if mask not in out:
                break
        out.append(mask)
    return out
