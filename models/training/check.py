"""Checks every shipped model: opset, padding, batch shape, long rows, masked norm; prints one line each."""

import json

import numpy as np
import onnx

from common import DIM, MODELS, load_wordnet, splits, tokenizer
from evaluate import MASK, PAD, session


def main() -> None:
    wn = load_wordnet()
    rows = [np.array(x, np.int64) for x in tokenizer().encode([wn[i].gloss for i in splits(wn)["dev"][:64]])]
    width = max(len(r) for r in rows) + 17
    ids = np.full((len(rows), width), PAD, np.int64)
    for i, r in enumerate(rows):
        ids[i, : len(r)] = r
    for path in sorted(MODELS.glob("*/model.onnx")):
        s = session(path)
        run = lambda x: s.run(["tokens"], {"input_ids": x})[0]
        together = run(ids)
        assert together.shape == (len(rows), width, DIM) and together.dtype == np.float32
        worst = max(np.abs(run(r[None, :])[0] - together[i, : len(r)]).max() for i, r in enumerate(rows))
        assert worst < 1e-4, worst
        same = all(np.array_equal(together, run(ids)) for _ in range(3))
        long = run(np.resize(np.concatenate(rows), (1, 4096)))
        assert np.isfinite(long).all()
        moved = run(np.where(np.arange(width) == 2, MASK, ids))
        reach = np.abs(moved[:, 3] - together[:, 3]).mean() / np.abs(together[:, 3]).mean()
        opset = onnx.load(str(path)).opset_import[0].version
        size = json.loads((path.parent / "manifest.json").read_text())["files"]["model.onnx"]["bytes"]
        print(f"{path.parent.name:14s} opset {opset} {size / 1e6:.2f} MB, padding and batch effect {worst:.1e}, "
              f"repeatable {same}, masking a neighbour moves a vector by {reach:.1%}")


if __name__ == "__main__":
    main()
