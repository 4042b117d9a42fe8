"""ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381 section 5 with the ciphersuite of section 5.5 (RAND-1)."""

from edwards25519 import (
    BASE,
    IDENTITY,
    L,
    Point,
    add,
    decode,
    encode,
    expand,
    multiply,
    negate,
    same,
    sha512,
    small_order,
)

SUITE = b"\x03"


def encode_to_curve(salt: bytes, alpha: bytes) -> Point:
    """Section 5.4.1.1, try and increment."""
    for counter in range(256):
        candidate = decode(sha512(SUITE, b"\x01", salt, alpha, bytes([counter]), b"\x00")[:32])
        if candidate is None:
            continue
        point = multiply(8, candidate)
        if not same(point, IDENTITY):
            return point
    raise AssertionError("no point in 256 attempts")


def challenge(*points: bytes) -> int:
    """Section 5.4.3."""
    return int.from_bytes(sha512(SUITE, b"\x02", *points, b"\x00")[:16], "little")


def output(gamma: Point) -> bytes:
    """Section 5.2."""
    return sha512(SUITE, b"\x03", encode(multiply(8, gamma)), b"\x00")


def prove(secret: bytes, alpha: bytes) -> tuple[bytes, bytes]:
    """Proof (80 bytes) and output (64 bytes), section 5.1."""
    x, prefix = expand(secret)
    public = encode(multiply(x, BASE))
    h = encode_to_curve(public, alpha)
    h_string = encode(h)
    gamma = multiply(x, h)
    k = int.from_bytes(sha512(prefix, h_string), "little") % L
    c = challenge(public, h_string, encode(gamma), encode(multiply(k, BASE)), encode(multiply(k, h)))
    s = (k + c * x) % L
    return encode(gamma) + c.to_bytes(16, "little") + s.to_bytes(32, "little"), output(gamma)


def verify(public: bytes, alpha: bytes, proof: bytes) -> bytes | None:
    """The output, or None if the proof is invalid; with key validation (sections 5.3 and 5.4.5)."""
    if len(public) != 32 or len(proof) != 80:
        return None
    y, gamma = decode(public), decode(proof[:32])
    c, s = int.from_bytes(proof[32:48], "little"), int.from_bytes(proof[48:], "little")
    if y is None or small_order(y) or gamma is None or s >= L:
        return None
    h = encode_to_curve(public, alpha)
    u = add(multiply(s, BASE), negate(multiply(c, y)))
    v = add(multiply(s, h), negate(multiply(c, gamma)))
    expected = challenge(public, encode(h), encode(gamma), encode(u), encode(v))
    return output(gamma) if expected == c else None
