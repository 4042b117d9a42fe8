"""One line of a vectors file."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions import FUNCTIONS
from refusal import Refused

# Input that fails the schema of its function, before any maths.
INVALID = "CONFORMANCE_INPUT"


@dataclass(frozen=True)
class Case:
    id: str
    fn: str
    input: dict[str, Any]
    expect: dict[str, Any]

    def line(self) -> dict[str, Any]:
        return {"id": self.id, "fn": self.fn, "input": self.input, "expect": self.expect}


def case(fn: str, name: str, /, **fields: Any) -> Case:
    """What the reference implementation says, a refusal included."""
    try:
        expect = FUNCTIONS[fn](fields)
    except Refused as refused:
        expect = {"error": {"code": refused.code}}
    return Case(f"{fn}/{name}", fn, fields, expect)


def cited(fn: str, name: str, expect: dict[str, Any], /, **fields: Any) -> Case:
    """A case of a standard: the reference implementation has to agree with it too."""
    own = case(fn, name, **fields)
    assert own.expect == expect, f"{own.id}: the standard says {expect}, the reference {own.expect}"
    return own


def refused(fn: str, name: str, code: str = INVALID, /, **fields: Any) -> Case:
    """Input that is no input of the function at all, so that the reference is not asked."""
    return Case(f"{fn}/{name}", fn, fields, {"error": {"code": code}})


class Stream:
    """Test data that does not depend on a library's generator: SHA-256 in counter mode."""

    def __init__(self, name: str):
        self._bytes = self._generate(name)

    @staticmethod
    def _generate(name: str) -> Iterator[int]:
        counter = 0
        while True:
            yield from hashlib.sha256(f"{name}/{counter}".encode()).digest()
            counter += 1

    def bytes(self, n: int) -> bytes:
        return bytes(next(self._bytes) for _ in range(n))

    def hex(self, n: int) -> str:
        return self.bytes(n).hex()

    def integer(self, low: int, high: int) -> int:
        """In low..high; the bias of the modulus does not matter here."""
        return low + int.from_bytes(self.bytes(16), "big") % (high - low + 1)

    def integers(self, n: int, low: int, high: int) -> list[int]:
        return [self.integer(low, high) for _ in range(n)]
