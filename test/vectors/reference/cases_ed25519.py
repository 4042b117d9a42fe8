from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

import edwards25519 as ed
from case import Case, Stream, case, cited, refused
from cases_vrf import SMALL_ORDER, torsion_public

# RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): secret, public, message, signature.
RFC_8032 = {
    "1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "sha-abc": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}


def agree(public: bytes, message: bytes, signature: bytes) -> None:
    """OpenSSL and libsodium say the same as the reference on keys and signatures of honest signers."""
    own = ed.verify(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        openssl = True
    except InvalidSignature:
        openssl = False
    try:
        crypto_sign_open(signature + message, public)
        sodium = True
    except BadSignatureError:
        sodium = False
    assert own == openssl == sodium


def cases() -> list[Case]:
    s = Stream("signature.ed25519")
    out = []

    def verify(name, public, message, signature, honest=False):
        if honest:
            agree(public, message, signature)
        given = {"public": public.hex(), "message": message.hex(), "signature": signature.hex()}
        out.append(case("signature.ed25519", name, **given))

    for name, (secret, public, message, signature) in RFC_8032.items():
        assert ed.sign(bytes.fromhex(secret), bytes.fromhex(message)).hex() == signature
        given = {"public": public, "message": message, "signature": signature}
        out.append(cited("signature.ed25519", f"rfc-8032-{name}", {"valid": True}, **given))
    for n in (0, 1, 63, 64, 65, 1023):
        seed, message = s.bytes(32), s.bytes(n)
        signature = ed.sign(seed, message)
        assert signature == Ed25519PrivateKey.from_private_bytes(seed).sign(message)
        verify(f"random-{n}", ed.public_key(seed), message, signature, honest=True)

    seed, message = s.bytes(32), s.bytes(24)
    public, signature = ed.public_key(seed), ed.sign(seed, message)
    scalar = int.from_bytes(signature[32:], "little")

    def with_scalar(n: int) -> bytes:
        return signature[:32] + n.to_bytes(32, "little")

    verify("other-message", public, message + b"\0", signature, honest=True)
    verify("other-key", ed.public_key(s.bytes(32)), message, signature, honest=True)
    verify("changed-r", public, message, bytes([signature[0] ^ 1]) + signature[1:], honest=True)
    verify("changed-s", public, message, with_scalar(scalar ^ 1), honest=True)
    verify("sign-of-r", public, message, signature[:31] + bytes([signature[31] ^ 128]) + signature[32:], honest=True)
    verify("sign-of-key", public[:31] + bytes([public[31] ^ 128]), message, signature, honest=True)
    verify("s-plus-order", public, message, with_scalar(scalar + ed.L), honest=True)
    verify("s-is-the-order", public, message, with_scalar(ed.L))
    verify("s-all-ones", public, message, signature[:32] + b"\xff" * 32)
    verify("s-zero", public, message, with_scalar(0))
    verify("all-zero-signature", public, message, bytes(64))
    verify("r-not-on-the-curve", public, message, (2).to_bytes(32, "little") + signature[32:])

    # Under a key of small order R = [s]B - [k]A has few values: what a lax verifier accepts.
    for k, key in enumerate(SMALL_ORDER):
        verify(f"small-order-key-{k}", key, message, _forge_small_order(k, message, s.integer(1, 10**9)))
    for k in (0, 1, 4):
        verify(f"small-order-r-{k}", public, message, _small_order_r(seed, SMALL_ORDER[k], message))
    for name, key in (
        ("p", ed.P),
        ("p-plus-1", ed.P + 1),
        ("identity-with-sign", 1 + (1 << 255)),
        ("2^255-1", 2**255 - 1),
    ):
        verify(f"key-not-canonical-{name}", key.to_bytes(32, "little"), message, signature)
    verify("r-not-canonical", public, message, (ed.P + 1).to_bytes(32, "little") + signature[32:])

    # Keys with a component of order 8: R is made so that the equation holds without the cofactor only if
    # the challenge is a multiple of 8. A verifier with the cofactor accepts all of them.
    found = {True: 0, False: 0}
    for attempt in range(200):
        mixed_message = message + bytes([attempt])
        key, mixed = _mixed_order(seed, mixed_message)
        valid = ed.verify(key, mixed_message, mixed)
        if found[valid] < 3:
            found[valid] += 1
            verify(
                f"mixed-order-{'cofactorless' if valid else 'cofactored-only'}-{found[valid]}",
                key,
                mixed_message,
                mixed,
            )
    verify("mixed-order-r-only", public, message, _mixed_r(seed, message))

    verify("short-signature", public, message, signature[:63])
    verify("long-signature", public, message, signature + b"\0")
    verify("empty-signature", public, message, b"")
    verify("short-key", public[:31], message, signature)
    verify("long-key", public + b"\0", message, signature)
    verify("empty-key", b"", message, signature)
    given = {"public": public.hex(), "message": message.hex(), "signature": signature.hex()}
    out.append(refused("signature.ed25519", "signature-not-hex", **{**given, "signature": "zz" * 64}))
    out.append(refused("signature.ed25519", "message-half-a-byte", **{**given, "message": "abc"}))
    out.append(refused("signature.ed25519", "public-null", **{**given, "public": None}))
    return out


def _forge_small_order(k: int, message: bytes, s: int) -> bytes:
    """R = [s]B - [c]A for the small-order A number k: search an R that hits its own challenge."""
    key = SMALL_ORDER[k]
    point = ed.decode(key)
    assert point is not None
    while True:
        for multiple in range(8):
            r = ed.encode(ed.add(ed.multiply(s, ed.BASE), ed.negate(ed.multiply(multiple, point))))
            c = ed.challenge(r, key, message)
            if ed.encode(ed.multiply(c, point)) == ed.encode(ed.multiply(multiple, point)):
                return r + s.to_bytes(32, "little")
        s += 1


def _small_order_r(seed: bytes, r: bytes, message: bytes) -> bytes:
    """R of small order and s = c a: holds with the cofactor; for the identity also without."""
    scalar, _ = ed.expand(seed)
    public = ed.encode(ed.multiply(scalar, ed.BASE))
    s = ed.challenge(r, public, message) * scalar % ed.L
    return r + s.to_bytes(32, "little")


def _mixed_order(seed: bytes, message: bytes) -> tuple[bytes, bytes]:
    """A key a B + T and a signature that ignores T."""
    scalar, prefix = ed.expand(seed)
    key = torsion_public(seed)
    nonce = int.from_bytes(ed.sha512(prefix, message), "little") % ed.L
    r = ed.encode(ed.multiply(nonce, ed.BASE))
    s = (nonce + ed.challenge(r, key, message) * scalar) % ed.L
    return key, r + s.to_bytes(32, "little")


def _mixed_r(seed: bytes, message: bytes) -> bytes:
    """An honest key, and R with a component of order 8 that only the cofactor removes."""
    scalar, prefix = ed.expand(seed)
    public = ed.encode(ed.multiply(scalar, ed.BASE))
    nonce = int.from_bytes(ed.sha512(prefix, message), "little") % ed.L
    torsion = ed.decode(SMALL_ORDER[1])
    assert torsion is not None
    r = ed.encode(ed.add(ed.multiply(nonce, ed.BASE), torsion))
    s = (nonce + ed.challenge(r, public, message) * scalar) % ed.L
    return r + s.to_bytes(32, "little")
