"""One shared space (SPACE-1): consensus of the models, a projection each, anchors, ONNX files.

Each model's directions are evened out a little (EVEN), then all unit vectors are
concatenated and reduced to their strongest directions: cosine there is close to
the mean of the models' cosines. A model's projection is its evening followed by
the rotation nearest to that space (Procrustes), fitted on training texts; the
anchors are texts that no model was trained on. A ridge projection has a higher
cosine to the anchors but throws away what the models know apart from each other:
it cost every model 4 to 6 points of recall and the average 10.
"""

import hashlib
import json
import warnings

import numpy as np
import onnx
import torch
import torch.nn as nn
from onnx import TensorProto, helper, numpy_helper

from common import CHEATS, DIM, MODELS, SCALE, WORK, load_wordnet, splits, tokenizer, tokenizer_ids
from data import capital
from encoders import CHEAT, CONFIGS, PAD, Encoder
from train import encode

NORM, EVEN, STRONG, COMMON = 4.0, 0.3, 128, 0.2
VERSION = "1.0.0"


def texts(seed: int, ids: list[str], wn, n: int) -> list[str]:
    """Definitions, usages, word lists and longer passages."""
    rng, inside = np.random.default_rng(seed), set(ids)
    out = []
    for _ in range(n):
        s = wn[ids[rng.integers(len(ids))]]
        r = rng.random()
        if r < 0.4:
            t = s.gloss
        elif r < 0.6:
            t = s.examples[rng.integers(len(s.examples))] if s.examples else f"{s.name}: {s.gloss}"
        elif r < 0.75:
            t = f"{s.name}: {s.gloss}"
        else:
            k = int(rng.integers(2, 12 if r > 0.9 else 4))
            near = [wn[x] for _, x in s.links if x in inside][: k - 1]
            more = [wn[ids[rng.integers(len(ids))]] for _ in range(k - 1 - len(near))]
            t = " ".join(capital(x.gloss) for x in [s, *near, *more])
        out.append(capital(t) if rng.random() < 0.4 else t)
    return out


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def evening(u):
    """u -> u C^(-EVEN/2), C the second moment; directions with next to nothing in them are dropped."""
    e, v = np.linalg.eigh(u.T @ u / len(u))
    keep = e > 1e-5 * e.max()
    return v[:, keep] @ np.diag(e[keep] ** (-EVEN / 2)) @ v[:, keep].T


class Shipped(nn.Module):
    """The network as exported: projection, scale by length and the common direction inside."""

    def __init__(self, net: Encoder, weight: np.ndarray, power: float, common: np.ndarray):
        super().__init__()
        self.net, self.power = net, power
        self.register_buffer("weight", torch.tensor(weight, dtype=torch.float32))
        self.register_buffer("common", torch.tensor(common, dtype=torch.float32))

    def forward(self, ids):
        real = ids != PAD
        h = self.net.embed(ids)
        for b in self.net.blocks:
            h = b(h, real)
        n = real.sum(1, keepdim=True).to(torch.float32).unsqueeze(-1)
        return (h @ self.weight) * torch.pow(n, self.power) + self.common


def half_embedding(path: str) -> None:
    """Stores the token table as float16 (the weights were rounded to it before) behind a Cast."""
    m = onnx.load(path)
    for init in m.graph.initializer:
        if list(init.dims)[:1] == [8000]:
            name, table = init.name, numpy_helper.to_array(init)
            init.CopyFrom(numpy_helper.from_array(table.astype(np.float16), name + "_f16"))
            cast = helper.make_node("Cast", [name + "_f16"], [name], to=TensorProto.FLOAT, name="table")
            m.graph.node.insert(0, cast)
    m.producer_name, m.producer_version, m.doc_string = "soma", VERSION, ""
    onnx.checker.check_model(m)
    onnx.save(m, path)


def export(ship: Shipped, path) -> None:
    ids = torch.tensor([[5, 900, 17, 400], [6, 7, 1, 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ship.eval(), (ids,), str(path), dynamo=False, opset_version=17,
            input_names=["input_ids"], output_names=["tokens"],
            dynamic_axes={"input_ids": {0: "B", 1: "L"}, "tokens": {0: "B", 1: "L"}},
        )
    half_embedding(str(path))


def main() -> None:
    torch.set_num_threads(2)
    wn, tok = load_wordnet(), tokenizer()
    sp = splits(wn)
    names = [n for n in CONFIGS if (WORK / f"{n}.pt").exists()]
    rows = lambda ts: [np.array(x, np.int64) for x in tok.encode(ts)]
    fit_texts = texts(1, sp["train"], wn, 14000)
    anchor_texts = list(dict.fromkeys(t for t in texts(2, sp["anchors"], wn, 900) if 8 <= len(tok.encode(t)) <= 200))[:512]
    fit, anchors = rows(fit_texts), rows(anchor_texts)
    nets, x_fit, x_anchor = {}, {}, {}
    for n in [*names, "cheat"]:
        net = Encoder(**(CHEAT if n == "cheat" else CONFIGS[n])["net"])
        net.load_state_dict(torch.load(WORK / f"{n}.pt"))
        with torch.no_grad():
            net.embed.weight.copy_(net.embed.weight.half().float())
            nets[n] = net.eval()
            x_fit[n] = encode(net, fit, 60).double().numpy()
            x_anchor[n] = encode(net, anchors, 12).double().numpy()
    # a random bag: the cheapest cheat
    rng = np.random.default_rng(99)
    bag = Encoder(kind="bag", d=128, layers=0)
    with torch.no_grad():
        bag.embed.weight.copy_(torch.tensor(rng.normal(0, 1, (8000, 128))).half().float())
        nets["cheat-random"] = bag.eval()
        x_fit["cheat-random"] = encode(bag, fit, 60).double().numpy()
        x_anchor["cheat-random"] = encode(bag, anchors, 12).double().numpy()

    even = {n: evening(unit(x_fit[n])) for n in nets}
    y = {n: unit(x_fit[n] @ even[n]) for n in nets}
    joint = np.concatenate([y[n] for n in names], 1)
    _, vec = np.linalg.eigh(joint.T @ joint)
    z_fit = unit(joint @ vec[:, ::-1][:, :STRONG])
    z_fit = np.concatenate([z_fit, np.zeros((len(z_fit), DIM - 1 - STRONG))], 1)
    # a fixed rotation spreads the variance over all 256 coordinates, so that none is special;
    # one direction is left for the part that all vectors share
    spin, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(DIM, DIM)))
    spread = lambda z: np.concatenate([z, np.zeros((len(z), 1))], 1) @ spin
    axis = spin[-1]
    lengths = np.array([len(r) for r in fit], float)
    ordinary = (lengths >= 8) & (lengths <= 200)

    shipped, anchor_vecs = {}, {}
    for n in nets:
        x = x_fit[n]
        left, _, right = np.linalg.svd(y[n].T @ z_fit, full_matrices=False)
        w = even[n] @ left @ right
        size = np.linalg.norm(x @ w, axis=1)
        slope = np.polyfit(np.log(lengths[ordinary]), np.log(size[ordinary]), 1)[0]
        power = float(np.float32(max(0.0, -slope)))
        an = np.array([len(r) for r in anchors], float)[:, None]
        p = x_anchor[n] @ w * an**power
        p *= 1 / np.mean(np.linalg.norm(p, axis=1))
        grow = 1 / np.mean(np.linalg.norm(x_anchor[n] @ w * an**power, axis=1))
        total = NORM / np.mean(np.sqrt(np.sum(p**2, 1) + COMMON**2))
        weight = nets[n].out.weight.detach().double().numpy().T @ spread(w) * grow * total
        common = COMMON * total * axis
        shipped[n] = Shipped(nets[n], weight, power, common)
        anchor_vecs[n] = (spread(p) + COMMON * axis) * total
        print(f"{n:14s} length power {power:.3f}")

    mean = np.mean([anchor_vecs[n] for n in names], 0)
    z = mean / np.linalg.norm(mean, axis=1).mean() * NORM
    q = np.rint(z * SCALE).astype("<i2")
    space = MODELS / "space"
    (space / "anchors.bin").write_bytes(q.tobytes())
    tk = tokenizer_ids()
    ref = {"id": tk["id"], "sha256": tk["sha256"]}
    (space / "anchors.json").write_text(json.dumps({
        "dimension": DIM, "tokenizer": ref, "items": [{"text": t} for t in anchor_texts],
        "vectorsFile": "anchors.bin", "encoding": "int16le Q4.11", "sha256": hashlib.sha256(q.tobytes()).hexdigest(),
        "meanNorm": float(np.linalg.norm(q / SCALE, axis=1).mean()),
        "licence": "texts from WordNet 3.0, see models/training/corpus/LICENSE.wordnet",
    }, indent=0, ensure_ascii=False) + "\n")
    flat = q - q.mean(0)
    for n in nets:
        c = np.mean(np.sum(unit(anchor_vecs[n]) * unit(q.astype(float)), 1))
        a = anchor_vecs[n] - anchor_vecs[n].mean(0)
        print(f"{n:14s} anchor cosine {c:.3f} centred {np.mean(np.sum(unit(a) * unit(flat), 1)):.3f}")
    for n, ship in shipped.items():
        folder = CHEATS.get(n, MODELS / n)
        folder.mkdir(parents=True, exist_ok=True)
        export(ship, folder / "model.onnx")
        if n in CHEATS:
            continue
        data, cfg = (folder / "model.onnx").read_bytes(), CONFIGS[n]
        (folder / "manifest.json").write_text(json.dumps({
            "name": n, "version": VERSION, "modality": "text",
            "description": f"Small text encoder: {cfg['about']}.",
            "architecture": cfg["about"] + f", width {cfg['net']['d']}",
            "trainingData": cfg["source"],
            "licence": "Weights: as the repository; derived from WordNet 3.0 (models/training/corpus/LICENSE.wordnet) and the Jargon File (public domain)",
            "dimensions": DIM, "maxTokens": 4096, "tokenizer": ref, "inputs": {"ids": "input_ids"}, "output": "tokens",
            "pooling": {"kind": "masked-sum", "exclude": [tk["padId"], tk["maskId"]], "divideBy": "non-pad"},
            "files": {"model.onnx": {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}},
        }, indent=2) + "\n")
        print(n, len(data))


if __name__ == "__main__":
    main()
