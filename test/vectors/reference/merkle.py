"""RFC 6962 section 2.1 as it is written there, by recursion (MERKLE-1)."""

from hashing import sha256
from refusal import Refused


def _split(n: int) -> int:
    """The largest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return sha256(b"\0", leaves[0])
    k = _split(len(leaves))
    return sha256(b"\1", root(leaves[:k]), root(leaves[k:]))


def path(leaves: list[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves): siblings from the leaf upward."""
    if not 0 <= index < len(leaves):
        raise Refused("MERKLE_INDEX")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*path(leaves[:k], index), root(leaves[k:])]
    return [*path(leaves[k:], index - k), root(leaves[:k])]
