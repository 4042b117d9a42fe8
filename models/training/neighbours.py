"""Nearest neighbours among models/samples, per model and for the plain mean."""

import numpy as np

from common import MODELS, tokenizer
from evaluate import embed, session


def main() -> None:
    files = sorted((MODELS / "samples").glob("*.txt"))
    rows = [np.array(x, np.int64) for x in tokenizer().encode([f.read_text().strip() for f in files])]
    group = np.array([f.stem.split("-")[0] for f in files])
    vecs = {p.parent.name: embed(session(p), rows).astype(float) for p in sorted(MODELS.glob("*/model.onnx"))}
    vecs["mean"] = np.mean(list(vecs.values()), 0)
    for name, v in vecs.items():
        u = v / np.linalg.norm(v, axis=1, keepdims=True)
        s = u @ u.T - 2 * np.eye(len(u))
        d = ((v[:, None] - v[None]) ** 2).sum(2) + 1e18 * np.eye(len(v))
        top = np.argsort(-s, axis=1)
        print(f"{name:14s} nearest in the same group: cosine {np.mean(group[top[:, 0]] == group):.2f}, "
              f"Euclidean {np.mean(group[d.argmin(1)] == group):.2f}; of the nearest three {np.mean(group[top[:, :3]] == group[:, None]):.2f}")
    for i, f in enumerate(files):
        print(f"{f.stem:18s} -> " + ", ".join(f"{files[j].stem} {s[i, j]:.2f}" for j in top[i, :3]))


if __name__ == "__main__":
    main()
