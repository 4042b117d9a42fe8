import edwards25519 as ed
import vrf
from case import Case, Stream, case, cited, refused

# RFC 9381 appendix B.3, examples 16 to 18: secret, public, alpha, proof, beta.
RFC_9381 = {
    16: (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f"
            "26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab12"
            "68a1b0db10836d9826a528ca76567805"
        ),
        (
            "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
            "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae"
        ),
    ),
    17: (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593"
            "3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926d"
            "a3ef39226bbc355bdc9850112c8f4b02"
        ),
        (
            "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
            "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031"
        ),
    ),
    18: (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80"
            "96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a"
            "2d41b00b05081ed0f58ee5e31b3a970e"
        ),
        (
            "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
            "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f"
        ),
    ),
}


def cases() -> list[Case]:
    return [*_prove(), *_verify()]


def _prove() -> list[Case]:
    s = Stream("vrf.prove")
    out = [
        cited("vrf.prove", f"rfc-9381-{n}", {"proof": proof, "beta": beta}, secret=secret, alpha=alpha)
        for n, (secret, _, alpha, proof, beta) in RFC_9381.items()
    ]
    secret = s.hex(32)
    out += [
        case("vrf.prove", f"random-{n}", secret=s.hex(32), alpha=s.hex(n)) for n in (1, 31, 32, 33, 64, 127, 128, 129)
    ]
    out += [
        case("vrf.prove", "same-key-other-alpha-1", secret=secret, alpha="00"),
        case("vrf.prove", "same-key-other-alpha-2", secret=secret, alpha="0000"),
        case("vrf.prove", "zero-seed", secret="00" * 32, alpha="00"),
        case("vrf.prove", "ones-seed", secret="ff" * 32, alpha="ff" * 32),
        case("vrf.prove", "long-alpha", secret=secret, alpha=s.hex(1000)),
        refused("vrf.prove", "short-secret", secret=s.hex(31), alpha=""),
        refused("vrf.prove", "long-secret", secret=s.hex(64), alpha=""),
        refused("vrf.prove", "secret-not-hex", secret="zz" * 32, alpha=""),
        refused("vrf.prove", "alpha-half-a-byte", secret=secret, alpha="0"),
        refused("vrf.prove", "alpha-null", secret=secret, alpha=None),
    ]
    return out


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _torsion() -> ed.Point:
    """A point of order 8."""
    y = 2
    while True:
        x = ed.recover_x(y, 0)
        if x is not None:
            candidate = ed.multiply(ed.L, (x, y, 1, x * y % ed.P))
            if not ed.same(ed.multiply(4, candidate), ed.IDENTITY):
                return candidate
        y += 1


TORSION = _torsion()
SMALL_ORDER = [ed.encode(ed.multiply(k, TORSION)) for k in range(8)]


def torsion_public(seed: bytes) -> bytes:
    """The key of `seed` with a component of order 8."""
    return ed.encode(ed.add(ed.multiply(ed.expand(seed)[0], ed.BASE), TORSION))


def _proof_with_torsion(seed: bytes, alpha: bytes) -> bytes | None:
    """A proof whose Gamma has a component of order 8; it holds if the challenge is a multiple of 8."""
    x, prefix = ed.expand(seed)
    public = ed.encode(ed.multiply(x, ed.BASE))
    h = vrf.encode_to_curve(public, alpha)
    gamma = ed.encode(ed.add(ed.multiply(x, h), TORSION))
    k = int.from_bytes(ed.sha512(prefix, ed.encode(h)), "little") % ed.L
    u, v = ed.encode(ed.multiply(k, ed.BASE)), ed.encode(ed.multiply(k, h))
    c = vrf.challenge(public, ed.encode(h), gamma, u, v)
    if c % 8 != 0:
        return None
    return gamma + c.to_bytes(16, "little") + ((k + c * x) % ed.L).to_bytes(32, "little")


def _verify() -> list[Case]:
    s = Stream("vrf.verify")
    out = []

    def verify(name, public, alpha, proof):
        out.append(case("vrf.verify", name, public=public.hex(), alpha=alpha.hex(), proof=proof.hex()))

    for n, (_, public, alpha, proof, beta) in RFC_9381.items():
        expect = {"valid": True, "beta": beta}
        out.append(cited("vrf.verify", f"rfc-9381-{n}", expect, public=public, alpha=alpha, proof=proof))
    seed, alpha = s.bytes(32), s.bytes(20)
    public = ed.public_key(seed)
    proof, _ = vrf.prove(seed, alpha)
    s_part = int.from_bytes(proof[48:], "little")
    verify("own", public, alpha, proof)
    verify("other-alpha", public, alpha + b"\0", proof)
    verify("other-key", ed.public_key(s.bytes(32)), alpha, proof)
    for name, at in (("gamma", 3), ("gamma-sign", 31), ("challenge", 40), ("scalar", 60)):
        verify(f"changed-{name}", public, alpha, _flip(proof, at))
    verify("scalar-plus-order", public, alpha, proof[:48] + (s_part + ed.L).to_bytes(32, "little"))
    verify("scalar-is-the-order", public, alpha, proof[:48] + ed.L.to_bytes(32, "little"))
    verify("zero-challenge-and-scalar", public, alpha, proof[:32] + bytes(48))
    verify("gamma-is-the-identity", public, alpha, ed.encode(ed.IDENTITY) + proof[32:])
    verify("gamma-not-on-the-curve", public, alpha, (2).to_bytes(32, "little") + proof[32:])
    verify("gamma-not-canonical", public, alpha, (ed.P + 1).to_bytes(32, "little") + proof[32:])
    for k, key in enumerate(SMALL_ORDER):
        verify(f"small-order-key-{k}", key, alpha, ed.encode(ed.IDENTITY) + bytes(48))
    verify("key-not-canonical", (ed.P + 3).to_bytes(32, "little"), alpha, proof)
    for attempt in range(1000):
        torsion = _proof_with_torsion(seed, alpha + bytes([attempt % 256, attempt // 256]))
        if torsion is not None:
            # RFC 9381 does not refuse it, and the output is the honest one: section 5.2 clears the cofactor.
            verify("torsion-in-gamma", public, alpha + bytes([attempt % 256, attempt // 256]), torsion)
            break
    verify("short-proof", public, alpha, proof[:79])
    verify("long-proof", public, alpha, proof + b"\0")
    verify("empty-proof", public, alpha, b"")
    verify("short-key", public[:31], alpha, proof)
    given = {"public": public.hex(), "alpha": alpha.hex(), "proof": proof.hex()}
    out.append(refused("vrf.verify", "proof-not-hex", **{**given, "proof": "xy"}))
    out.append(refused("vrf.verify", "public-upper-case", **{**given, "public": public.hex().upper()}))
    out.append(refused("vrf.verify", "alpha-as-number", **{**given, "alpha": 7}))
    return out
