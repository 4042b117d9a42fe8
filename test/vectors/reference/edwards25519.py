"""The curve of RFC 8032 section 5.1 in affine and extended coordinates, and Ed25519 itself."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
IDENTITY: Point = (0, 1, 1, 0)


def sha512(*parts: bytes) -> bytes:
    return hashlib.sha512(b"".join(parts)).digest()


def add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(k: int, p: Point) -> Point:
    q = IDENTITY
    while k > 0:
        if k & 1:
            q = add(q, p)
        p = add(p, p)
        k >>= 1
    return q


def negate(p: Point) -> Point:
    return (-p[0] % P, p[1], p[2], -p[3] % P)


def same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def recover_x(y: int, sign: int) -> int | None:
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if x & 1 != sign else x


def encode(p: Point) -> bytes:
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """RFC 8032 section 5.1.3: refuses y >= p, and x = 0 with the sign bit set."""
    n = int.from_bytes(data, "little")
    y, sign = n & ((1 << 255) - 1), n >> 255
    if y >= P:
        return None
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def small_order(p: Point) -> bool:
    return same(multiply(8, p), IDENTITY)


BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = recover_x(BASE_Y, 0)
assert _BASE_X is not None
BASE: Point = (_BASE_X, BASE_Y, 1, _BASE_X * BASE_Y % P)


def expand(seed: bytes) -> tuple[int, bytes]:
    """The secret scalar and the prefix of RFC 8032 section 5.1.5."""
    h = sha512(seed)
    scalar = int.from_bytes(h[:32], "little")
    scalar = scalar & ((1 << 254) - 8) | 1 << 254
    return scalar, h[32:]


def public_key(seed: bytes) -> bytes:
    return encode(multiply(expand(seed)[0], BASE))


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(sha512(r, public, message), "little") % L


def sign(seed: bytes, message: bytes) -> bytes:
    scalar, prefix = expand(seed)
    public = encode(multiply(scalar, BASE))
    r = int.from_bytes(sha512(prefix, message), "little") % L
    encoded_r = encode(multiply(r, BASE))
    s = (r + challenge(encoded_r, public, message) * scalar) % L
    return encoded_r + s.to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """
    The decision that the network takes (DESIGN: one verifier, which refuses small-order keys): RFC 8032
    without the cofactor, comparing encodings of R, and with key and R of small order refused.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decode(public), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or small_order(a) or small_order(r) or s >= L:
        return False
    k = challenge(signature[:32], public, message)
    return encode(add(multiply(s, BASE), negate(multiply(k, a)))) == signature[:32]
