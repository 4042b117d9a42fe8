"""Hashes and pre-images of ARITH-5, for chain id "test"."""

import hashlib

CHAIN = b"test"


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag: str, *parts: bytes) -> bytes:
    """SHA-256 over the ASCII tag, 0x00, the chain id, 0x00, and the parts."""
    return sha256(tag.encode("ascii"), b"\0", CHAIN, b"\0", *parts)


def u32(n: int) -> bytes:
    return n.to_bytes(4, "big")
