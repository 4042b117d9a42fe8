import bls
from case import Case, Stream, case, refused


def cases() -> list[Case]:
    s = Stream("signature.bls")
    out = []

    def verify(name, publics, message, signature):
        given = {"publics": [p.hex() for p in publics], "message": message.hex(), "signature": signature.hex()}
        out.append(case("signature.bls", name, **given))

    secrets = [s.integer(1, 2**254) for _ in range(5)]
    keys = [bls.public_key(x) for x in secrets]
    message = s.bytes(32)
    signatures = [bls.sign(x, message) for x in secrets]
    all_five = bls.aggregate(signatures)
    one = signatures[0]

    verify("one-key", keys[:1], message, one)
    verify("empty-message", keys[:1], b"", bls.sign(secrets[0], b""))
    verify("long-message", keys[:1], bytes(1000), bls.sign(secrets[0], bytes(1000)))
    verify("two-keys", keys[:2], message, bls.aggregate(signatures[:2]))
    verify("five-keys", keys, message, all_five)
    verify("five-keys-in-another-order", keys[::-1], message, all_five)
    verify("one-key-missing", keys[:4], message, all_five)
    verify("one-key-too-many", keys, message, bls.aggregate(signatures[:4]))
    verify("other-message", keys, message + b"\0", all_five)
    verify("other-key", keys[1:2], message, one)
    verify("key-twice-counts-twice", [keys[0], keys[0]], message, bls.sign(2 * secrets[0], message))
    verify("key-twice-signed-once", [keys[0], keys[0]], message, one)
    verify("signature-added-twice", keys[:2], message, bls.aggregate([signatures[0], *signatures[:2]]))
    verify("no-keys", [], message, one)
    verify("no-keys-and-infinity", [], message, bls.INFINITY_G2)
    verify("infinity-key-and-infinity", [bls.INFINITY_G1], message, bls.INFINITY_G2)
    verify("infinity-among-keys", [keys[0], bls.INFINITY_G1], message, one)
    verify("infinity-signature", keys[:1], message, bls.INFINITY_G2)
    negative = bytes([keys[0][0] ^ 0x20]) + keys[0][1:]
    verify("key-and-its-negative", [keys[0], negative], message, bls.INFINITY_G2)
    verify("negative-key", [negative], message, one)
    verify("negative-signature", keys[:1], message, bytes([one[0] ^ 0x20]) + one[1:])
    verify("signature-outside-the-subgroup", keys[:1], message, bls.outside_subgroup_g2())
    verify("key-outside-the-subgroup", [bls.outside_subgroup_g1()], message, one)
    verify("generator-as-signature", keys[:1], message, bls.generator_signature())
    verify("not-a-point", keys[:1], message, b"\x80" + b"\xff" * 95)
    verify("compression-flag-missing", keys[:1], message, bytes([one[0] & 0x7F]) + one[1:])
    verify("infinity-flag-with-coordinates", keys[:1], message, bytes([one[0] | 0x40]) + one[1:])
    written_again = next(filter(None, map(bls.not_canonical_g1, (bls.public_key(k) for k in range(1, 50)))))
    verify("key-not-canonical", [written_again], message, one)
    verify("zero-signature", keys[:1], message, bytes(96))
    verify("short-signature", keys[:1], message, one[:95])
    verify("long-signature", keys[:1], message, one + b"\0")
    verify("short-key", [keys[0][:47]], message, one)
    verify("long-key", [keys[0] + b"\0"], message, one)
    given = {"publics": [keys[0].hex()], "message": message.hex(), "signature": one.hex()}
    out.append(refused("signature.bls", "publics-not-a-list", **{**given, "publics": keys[0].hex()}))
    out.append(refused("signature.bls", "key-not-hex", **{**given, "publics": ["0x" + keys[0].hex()]}))
    out.append(refused("signature.bls", "message-null", **{**given, "message": None}))
    return out
