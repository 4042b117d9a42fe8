"""The conformance functions (CONFORMANCE.md) over the reference implementation: JSON in, JSON out."""

from fractions import Fraction

import bls
import consensus
import economy
import edwards25519
import embedding
import mask
import merkle
import sampling
import score
import shard
import transaction
import vrf

unhex = bytes.fromhex


def fraction(value: dict) -> Fraction:
    return Fraction(value["num"], value["den"])


def sample(draw):
    def run(x):
        count = x["m"] if "m" in x else x["n"]
        stakes = [int(s) for s in x["stakes"]]
        return {"indices": draw(unhex(x["seed"]), [unhex(i) for i in x["ids"]], stakes, count)}

    return run


def shard_tail(x):
    p = shard.hypergeometric_tail(x["encoders"], x["dishonestCount"], x["size"], x["threshold"])
    return {"tail": shard.text(p)}


def mask_indices(x):
    beacon = unhex(x.get("beacon", "00" * 32))
    return {"masks": mask.indices(unhex(x["block"]), beacon, unhex(x["data"]), x["length"], x["modality"], x["masks"])}


def vrf_prove(x):
    proof, beta = vrf.prove(unhex(x["secret"]), unhex(x["alpha"]))
    return {"proof": proof.hex(), "beta": beta.hex()}


def vrf_verify(x):
    beta = vrf.verify(unhex(x["public"]), unhex(x["alpha"]), unhex(x["proof"]))
    return {"valid": beta is not None, "beta": None if beta is None else beta.hex()}


def ed25519_verify(x):
    return {"valid": edwards25519.verify(unhex(x["public"]), unhex(x["message"]), unhex(x["signature"]))}


def bls_verify(x):
    return {"valid": bls.verify([unhex(p) for p in x["publics"]], unhex(x["message"]), unhex(x["signature"]))}


def consensus_decide(x):
    excluded = set(x.get("exclude", []))
    blocks = [
        consensus.Block(b["id"], b["author"], b["round"], tuple(b["ancestors"]), b["ts"])
        for b in x["blocks"]
        if b["round"] <= x["upToRound"] and b["id"] not in excluded
    ]
    return consensus.decide(x["stakes"], x["gcDepth"], blocks)


def econ_price(x):
    price = economy.price([(int(ask), int(stake)) for ask, stake in x["asks"]])
    return {"price": None if price is None else str(price)}


def consensus_quorum(x):
    value = consensus.quorum(int(x["total"]))
    return {"quorum": str(value) if isinstance(x["total"], str) else value}


FUNCTIONS = {
    "consensus.decide": consensus_decide,
    "consensus.verifyBlock": lambda x: {"error": consensus.verify_block(x["stakes"], x["block"], x["refs"])},
    "consensus.clock": lambda x: {"rounds": consensus.clock(x["stakes"], x["start"], x["blocks"])},
    "consensus.quorum": consensus_quorum,
    "sample.weighted": sample(sampling.weighted),
    "sample.seats": sample(sampling.seats),
    "shard.size": lambda x: shard.size(
        x["encoders"], fraction(x["dishonest"]), fraction(x["quorum"]), Fraction(x["budget"]), x["rounding"]
    ),
    "shard.seats": lambda x: shard.seats(fraction(x["dishonest"]), fraction(x["quorum"]), Fraction(x["budget"])),
    "shard.tail": shard_tail,
    "mask.indices": mask_indices,
    "embedding.quantise": lambda x: {"q": embedding.quantise(x["vector"])},
    "score.differentialLoss": lambda x: score.differential_loss(x["full"], x["mask"], x["inverse"]),
    "score.outlier": lambda x: score.outlier(x["points"], x.get("k")),
    "score.weightedAverage": lambda x: score.weighted_average(
        [int(p) for p in x["lossesPpb"]], x["embeddings"], x["excluded"]
    ),
    "score.composite": lambda x: score.composite(x["loss"], x["lof"], x["latency"]),
    "merkle.root": lambda x: {"root": merkle.root([unhex(leaf) for leaf in x["leaves"]]).hex()},
    "merkle.path": lambda x: {
        "path": [node.hex() for node in merkle.path([unhex(leaf) for leaf in x["leaves"]], x["index"])]
    },
    "vrf.prove": vrf_prove,
    "vrf.verify": vrf_verify,
    "signature.ed25519": ed25519_verify,
    "signature.bls": bls_verify,
    "econ.emission": lambda x: economy.emission(x["epochs"], x["decimals"]),
    "econ.baseFee": lambda x: {
        "fee": str(economy.base_fee(int(x["fee"]), int(x["burned"]), int(x["circulating"])))
    },
    "econ.price": econ_price,
    "econ.slash": lambda x: {"stake": str(economy.slash(int(x["stake"]), x["epochs"]))},
    "econ.poisson": lambda x: economy.poisson(x["probability"], x["perSecond"]),
    "tx.decode": lambda x: transaction.decode_signed(unhex(x["bytes"])),
}
