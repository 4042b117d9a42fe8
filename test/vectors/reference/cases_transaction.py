import transaction
from bcs import uleb
from case import Case, Stream, case, refused


class Builder:
    """Random content for every field of the transaction."""

    def __init__(self, s: Stream):
        self.s = s

    def hash(self) -> str:
        return self.s.hex(32)

    def u64(self) -> str:
        return str(self.s.integer(0, 2**64 - 1))

    def u32(self) -> int:
        return self.s.integer(0, 2**32 - 1)

    def head(self, **more):
        return {"job": self.hash(), "attempt": self.s.integer(0, 2), "encoder": self.hash(), **more}

    def commit(self):
        return {"commit": self.head(commitHash=self.hash(), elapsedMs=self.u32()), "signature": self.s.hex(64)}

    def reveal(self):
        return {"reveal": self.head(embeddingDigest=self.hash()), "signature": self.s.hex(64)}

    def score(self, disqualified=False):
        numbers = {"lossPpb": self.u64(), "lofMicro": self.u64(), "composite": self.u64()}
        return {"encoder": self.hash(), **numbers, "disqualified": disqualified}

    def result(self, winner=True):
        return {
            "job": self.hash(),
            "selection": self.hash(),
            "bundle": self.hash(),
            "scores": [self.score(), self.score(True)],
            "winner": self.hash() if winner else None,
            "finalsRoot": self.hash(),
            "items": self.s.integer(1, 1024),
        }

    def ask(self):
        return {"modality": self.s.integer(0, 3), "pricePerByte": self.u64(), "tokenizer": self.hash()}

    def kinds(self):
        """One of every kind, and the variants that matter inside."""
        hash_, u64, hex_ = self.hash, self.u64, self.s.hex
        bls = {"blsKey": hex_(48), "blsPossession": hex_(96)}
        yield "Transfer", {"to": hash_(), "amount": u64()}
        yield (
            "RegisterValidator",
            {
                "blockKey": hex_(32),
                **bls,
                "vrfKey": hex_(32),
                "edgeAddress": "nats.example:4222",
                "gatewayAddress": "https://gate.example/ü/𝄞",
                "commissionBps": 10000,
            },
        )
        yield "UnregisterValidator", None
        yield (
            "RegisterEncoder",
            {"messageKey": hex_(32), **bls, "asks": [self.ask(), self.ask()], "commissionBps": 65535},
        )
        yield "UnregisterEncoder", None
        yield "SetAsk", {"ask": self.ask()}
        yield "SetCommission", {"role": {"Validator": None}, "commissionBps": 0}
        yield "Delegate", {"role": {"Encoder": None}, "operator": hash_(), "amount": u64()}
        yield "Undelegate", {"role": {"Validator": None}, "operator": hash_(), "amount": u64()}
        yield (
            "GenerateEmbeddings",
            {
                "modality": 0,
                "dataCommitment": hash_(),
                "sizeBytes": u64(),
                "items": 1024,
                "sessionKey": hex_(32),
                "maxPricePerByte": u64(),
                "jobTip": "0",
            },
        )
        yield (
            "SelectCommits",
            {
                "job": hash_(),
                "attempt": 0,
                "dataHash": hash_(),
                "commits": [self.commit(), self.commit()],
                "sessionSignature": hex_(64),
            },
        )
        yield "PostCommit", {"commit": self.commit(), "dataHash": hash_(), "offerSignature": hex_(64)}
        for reason in ("HashMismatch", "SizeMismatch", "Undecodable", "Unavailable"):
            yield "PostOptOut", {"optOut": {"optOut": self.head(reason={reason: None}), "signature": hex_(64)}}
        yield "PostBundle", {"job": hash_(), "reveals": [self.reveal()], "sessionSignature": hex_(64)}
        yield "PostBundle", {"job": hash_(), "reveals": [], "sessionSignature": hex_(64)}
        yield "PostReveal", {"reveal": self.reveal()}
        message = {"job": hash_(), "encoder": hash_(), "evaluation": hash_()}
        yield (
            "PostEvaluation",
            {"evaluation": {"message": message, "blsSignature": hex_(96)}, "result": self.result(winner=False)},
        )
        yield (
            "FinalProof",
            {"result": self.result(), "finals": hex_(200), "signers": "ff01", "aggregateSignature": hex_(96)},
        )
        yield "SubmitEquivocation", {"first": hex_(40), "second": ""}
        yield "PostReceipt", {"receipt": {"receipt": self.head(dataHash=hash_()), "signature": hex_(64)}}
        yield "PostUnavailable", {"unavailable": {"unavailable": self.head(missing=hash_()), "signature": hex_(64)}}
        yield "VoteSlash", {"validator": hash_()}
        yield "WithdrawSlashVote", {"validator": hash_()}
        yield "SubmitCheckpointFork", {"first": hex_(300), "second": hex_(300)}

    def signed(self, kind, content, policy=None, signatures=None, signers=1, **change):
        head = {"chainId": "test", "sender": self.hash(), "sequence": self.u64(), "expiryEpoch": self.u64(), "tip": "0"}
        return {
            "transaction": {**head, **change, "kind": {kind: content}},
            "authenticator": {
                "policy": policy or {"Ed25519": {"publicKey": self.s.hex(32)}},
                "signers": signers,
                "signatures": [self.s.hex(64)] if signatures is None else signatures,
            },
        }


def cases() -> list[Case]:
    b = Builder(Stream("tx.decode"))
    out = []

    def good(name, value):
        data = transaction.signed_transaction.write(value)
        made = case("tx.decode", name, bytes=data.hex())
        assert {**value, "digest": made.expect["digest"]} == made.expect, "decoding returns what was written"
        out.append(made)
        return data

    def bad(name, data, code):
        made = case("tx.decode", name, bytes=data.hex())
        assert made.expect == {"error": {"code": code}}, made.expect
        out.append(made)

    for kind, content in b.kinds():
        inner = content.get("optOut", {}).get("optOut", {}).get("reason") if content else None
        suffix = f"-{next(iter(inner))}" if inner else "-empty" if content and content.get("reveals") == [] else ""
        good(f"{kind}{suffix}", b.signed(kind, content))

    transfer = {"to": b.hash(), "amount": "1"}
    three = {"MultiSig": {"threshold": 2, "publicKeys": [b.hash(), b.hash(), b.hash()]}}
    good("multi-sig", b.signed("Transfer", transfer, three, [b.s.hex(64), b.s.hex(64)], 0b101))
    good("bls", b.signed("Transfer", transfer, {"Bls": {"publicKey": b.s.hex(48)}}, [b.s.hex(96)]))
    good("zeros", b.signed("Transfer", {"to": "00" * 32, "amount": "0"}, sequence="0", expiryEpoch="0"))
    most = str(2**64 - 1)
    good("u64-max", b.signed("Transfer", {**transfer, "amount": most}, sequence=most, expiryEpoch=most, tip=most))
    good("above-2^53", b.signed("Transfer", {**transfer, "amount": str(2**53 + 1)}))
    good("other-chain", b.signed("Transfer", transfer, chainId="other"))
    good("empty-chain", b.signed("Transfer", transfer, chainId=""))
    good("no-signature", b.signed("Transfer", transfer, signatures=[]))
    good("length-of-two-bytes", b.signed("SubmitEquivocation", {"first": "aa" * 128, "second": "bb" * 300}))
    small = good("base-of-the-malformed", b.signed("Transfer", transfer))

    bad("empty", b"", "CODEC_MALFORMED")
    bad("cut-by-one", small[:-1], "CODEC_MALFORMED")
    bad("cut-in-the-middle", small[:40], "CODEC_MALFORMED")
    bad("trailing-byte", small + b"\0", "CODEC_NOT_CANONICAL")
    bad("over-long-length", b"\x84\x00" + small[1:], "CODEC_MALFORMED")
    bad("chain-length-beyond-the-bytes", b"\x7f" + small[1:], "CODEC_MALFORMED")
    bad("huge-length", b"\xff\xff\xff\xff\x0f" + small[1:], "CODEC_MALFORMED")
    bad("length-beyond-u32", b"\xff\xff\xff\xff\xff\x01" + small[1:], "CODEC_MALFORMED")
    bad("chain-not-utf-8", b"\x04\xff\xfe\xfd\xfc" + small[5:], "CODEC_MALFORMED")
    at = 5 + 32 + 24  # chain id, sender, three u64: the kind's variant index
    assert small[at] == 0
    bad("unknown-kind", small[:at] + b"\x7f" + small[at + 1 :], "CODEC_MALFORMED")
    at_policy = at + 1 + 40
    assert small[at_policy] == 0
    bad("unknown-policy", small[:at_policy] + b"\x03" + small[at_policy + 1 :], "CODEC_MALFORMED")
    at_count = at_policy + 1 + 32 + 4
    assert small[at_count] == 1
    bad("more-signatures-than-bytes", small[:at_count] + uleb(2**31) + small[at_count + 1 :], "CODEC_MALFORMED")
    content = next(content for kind, content in b.kinds() if kind == "PostEvaluation")
    flagged = transaction.signed_transaction.write(b.signed("PostEvaluation", content))
    place = _place_of_option(flagged)
    bad("flag-of-an-option-is-2", flagged[:place] + b"\x02" + flagged[place + 1 :], "CODEC_MALFORMED")
    bad("boolean-is-2", flagged[: place - 1] + b"\x02" + flagged[place:], "CODEC_MALFORMED")
    out.append(refused("tx.decode", "not-hex", bytes="0x00"))
    out.append(refused("tx.decode", "upper-case", bytes="AB"))
    out.append(refused("tx.decode", "half-a-byte", bytes="abc"))
    out.append(refused("tx.decode", "null", bytes=None))
    return out


def _place_of_option(data: bytes) -> int:
    """Where the winner's flag stands in a PostEvaluation without a winner, whose last score is disqualified."""
    tail = 4 + 32  # items, finalsRoot
    authenticator = 1 + 32 + 4 + 1 + 1 + 64
    place = len(data) - authenticator - tail - 1
    assert data[place] == 0 and data[place - 1] == 1
    return place
