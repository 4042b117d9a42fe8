"""BLS12-381 in the proof-of-possession suite, by py_ecc: keys in G1 (48 bytes), signatures in G2 (96 bytes)."""

from py_ecc.bls import G2ProofOfPossession as scheme
from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature
from py_ecc.bls.point_compression import decompress_G1, decompress_G2
from py_ecc.optimized_bls12_381 import G2, curve_order, field_modulus, is_inf, multiply

INFINITY_G1 = bytes([0xC0]) + bytes(47)
INFINITY_G2 = bytes([0xC0]) + bytes(95)


def public_key(secret: int) -> bytes:
    return bytes(scheme.SkToPk(secret))


def sign(secret: int, message: bytes) -> bytes:
    return bytes(scheme.Sign(secret % curve_order, message))


def aggregate(signatures: list[bytes]) -> bytes:
    return bytes(scheme.Aggregate(signatures))


def verify(publics: list[bytes], message: bytes, signature: bytes) -> bool:
    """FastAggregateVerify of draft-irtf-cfrg-bls-signature section 3.3.4: no keys, wrong widths: False."""
    if not publics or len(signature) != 96 or any(len(p) != 48 for p in publics):
        return False
    return bool(scheme.FastAggregateVerify(publics, message, signature))


def generator_signature() -> bytes:
    """A point of the right group that signs nothing."""
    return bytes(G2_to_signature(G2))


def outside_subgroup_g1() -> bytes:
    """The first point of the curve E1, by its x, that is not in the subgroup of keys."""
    x = 1
    while True:
        try:
            point = decompress_G1(int.from_bytes(bytes([0x80]) + x.to_bytes(47, "big"), "big"))
            if not is_inf(multiply(point, curve_order)):
                return bytes(G1_to_pubkey(point))
        except ValueError:
            pass
        x += 1


def outside_subgroup_g2() -> bytes:
    """The same on E2, for signatures."""
    x = 1
    while True:
        try:
            point = decompress_G2((0x80 << 376, x))
            if not is_inf(multiply(point, curve_order)):
                return bytes(G2_to_signature(point))
        except ValueError:
            pass
        x += 1


def not_canonical_g1(public: bytes) -> bytes | None:
    """The key with its x written as x + p, if that fits the 381 bits."""
    n = int.from_bytes(public, "big")
    flags, x = n >> 381, n & ((1 << 381) - 1)
    return None if x + field_modulus >= 1 << 381 else (flags << 381 | x + field_modulus).to_bytes(48, "big")
