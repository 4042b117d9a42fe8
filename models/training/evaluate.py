"""Reference evaluation on models/heldout; writes models/EVALUATION.json.

Every text is one job among the encoders: masks (MASK-1), quantised vectors
(ARITH-2), gates (SPACE-2, DIFF-2), DL (DIFF-1), LOF (OUTLIER-1), weighted
average (WEIGHT-1), ranks and winner (SCORE-1). Masks here are drawn from a
seeded generator, not from the chain, and latency ranks are tied.

    python evaluate.py [dev]      dev: the development synsets, nothing written
"""

import hashlib
import json
import math
import re
import sys
import time
from collections import Counter

import numpy as np
import onnxruntime as ort

from common import CHEATS, DIM, MODELS, SCALE, load_wordnet, retrieval, splits, tokenizer, tokenizer_ids

K, RHO, BOOT = 8, 15, 4000
TK = tokenizer_ids()
PAD, MASK = TK["padId"], TK["maskId"]


# -- masks and encoding ---------------------------------------------------------------------------


def masks(row: np.ndarray, rng) -> list[np.ndarray]:
    n = len(row)
    size = min(max((2 * RHO * n + 100) // 200, 1), n - 1)
    want = min(K, math.comb(n, size))
    seen, out = set(), []
    while len(out) < want:
        pick = tuple(sorted(rng.choice(n, size, replace=False).tolist()))
        if pick not in seen:
            seen.add(pick)
            m = np.zeros(n, bool)
            m[list(pick)] = True
            out.append(m)
    return out


def variants(row: np.ndarray, rng) -> list[np.ndarray]:
    """[full, mask 1..K, inverse 1..K]"""
    ms = masks(row, rng)
    return [row, *[np.where(m, row, MASK) for m in ms], *[np.where(m, MASK, row) for m in ms]]


def session(path) -> ort.InferenceSession:
    o = ort.SessionOptions()
    o.intra_op_num_threads = 2
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def embed(s: ort.InferenceSession, rows: list[np.ndarray], batch: int = 256) -> np.ndarray:
    """Pooled outside the graph (masked-sum), quantised to int16 Q4.11."""
    order = np.argsort([len(r) for r in rows], kind="stable")
    out = np.empty((len(rows), DIM), np.int16)
    for at in range(0, len(order), batch):
        part = order[at : at + batch]
        n = max(len(rows[i]) for i in part)
        ids = np.full((len(part), n), PAD, np.int64)
        for j, i in enumerate(part):
            ids[j, : len(rows[i])] = rows[i]
        tokens = s.run(["tokens"], {"input_ids": ids})[0]
        keep = ((ids != PAD) & (ids != MASK)).astype(np.float64)[:, None, :]
        f = (keep @ tokens.astype(np.float64))[:, 0] / (ids != PAD).sum(1, keepdims=True)
        q = np.rint(f * SCALE)
        assert np.abs(q).max() <= 32767
        out[part] = q
    return out


# -- the protocol's scores ------------------------------------------------------------------------


def measure(v: np.ndarray, mean_norm: float):
    """v: [texts, 1+2k, DIM] of one encoder; returns DL (integers) and the gates."""
    x = v.astype(np.float64)
    k = (x.shape[1] - 1) // 2
    f, a, b = x[:, :1], x[:, 1 : 1 + k], x[:, 1 + k :]
    r2 = ((f - a - b) ** 2).sum(2)
    a2, b2, f2 = (a**2).sum(2), (b**2).sum(2), (f**2).sum(2)[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        l = np.where((a2 == 0) | (b2 == 0), 2.0, np.minimum(2.0, 0.5 * r2 * (1 / a2 + 1 / b2)))
    dl = np.floor(1e9 * l.mean(1)).astype(np.int64)
    unit = (mean_norm * SCALE) ** 2
    full_ok = (f2 >= unit / 4) & (f2 <= 4 * unit)
    mask_ok = ((a2 >= unit / 256) & (a2 <= 16 * unit) & (b2 >= unit / 256) & (b2 <= 16 * unit)).all(1)
    pair = lambda m, m2: 2 * (k * m2.sum(1) - (m.sum(1) ** 2).sum(1)) / (k * (k - 1))
    spread = 0.5 * (pair(a, a2) + pair(b, b2)) / (a2 + b2).mean(1)
    return dl, full_ok, mask_ok, spread >= 1e-3


def lof(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """OUTLIER-1 for one job: factor in millionths and group sizes; points [n, D]."""
    n = len(points)
    g = points @ points.T
    d = np.sqrt(np.maximum(0, np.diag(g)[:, None] + np.diag(g)[None, :] - 2 * g))
    near = d < np.median(d[np.triu_indices(n, 1)]) / 1000 if n > 1 else np.zeros((n, n), bool)
    group = list(range(n))
    for i in range(n):
        for j in range(i):
            if near[i, j]:
                group[i] = group[j]
                break
    heads = sorted(set(group))
    m = len(heads)
    members = np.array([group.count(x) for x in group])
    if m < 4:
        return np.full(n, 1_000_000), members
    d = d[np.ix_(heads, heads)]
    k = min(m - 1, max(2, m // 3 + 1))
    order = np.array([sorted((j for j in range(m) if j != i), key=lambda j: (d[i, j], j))[:k] for i in range(m)])
    kdist = np.array([d[i, order[i, -1]] for i in range(m)])
    reach = np.array([np.maximum(d[i, order[i]], kdist[order[i]]).mean() for i in range(m)])
    lrd = 1 / (reach + 1e-10)
    factor = np.array([lrd[order[i]].mean() / lrd[i] for i in range(m)])
    return np.rint(np.array([factor[heads.index(x)] for x in group]) * 1e6).astype(np.int64), members


def ranks(x: np.ndarray) -> np.ndarray:
    """Doubled average ranks, 1 = lowest."""
    return np.array([2 * int((x < v).sum()) + int((x == v).sum()) + 1 for v in x])


def jobs(vecs: list[np.ndarray], dls, gates, names: list[str], keys: list[str]):
    """vecs[i]: [texts, 1+2k, DIM] per encoder. Final vectors and per-encoder records for each text."""
    n, e = len(keys), len(names)
    final = np.zeros((n, DIM), np.int64)
    rec = {k: np.zeros((n, e)) for k in ("lof", "composite", "won", "outlier", "gated")}
    for t in range(n):
        ok = [i for i in range(e) if gates[i][t]]
        rec["gated"][t] = [0 if i in ok else 1 for i in range(e)]
        factor, members = np.full(e, 10**9), np.ones(e, int)
        if ok:
            factor[ok], members[ok] = lof(np.stack([vecs[i][t].reshape(-1).astype(np.float64) for i in ok]))
        bad = sorted((i for i in ok if factor[i] > 1_500_000), key=lambda i: (-factor[i], i))[: len(ok) // 3]
        good = [i for i in ok if i not in bad]
        dl = np.array([dls[i][t] for i in range(e)])
        off = np.array([i not in good for i in range(e)])
        rd, rl = ranks(np.where(off, 2**62, dl)), ranks(np.where(off, 2**62, factor))
        rec["lof"][t] = np.where(factor == 10**9, np.nan, factor / 1e6)
        rec["outlier"][t, bad] = 1
        rec["composite"][t] = 6000 * rd + 2500 * rl + 1500 * ranks(np.zeros(e))
        if good:
            tie = lambda i: hashlib.sha256((keys[t] + names[i]).encode()).digest()
            rec["won"][t, min(good, key=lambda i: (7 * rd[i] + 3 * rl[i], tie(i)))] = 1
            w = [(2**64 // (int(dl[i]) + 250_000_000)) // int(members[i]) for i in good]
            total = sum(w)
            s = sum(wi * vecs[i][t][0].astype(np.int64) for wi, i in zip(w, good))
            final[t] = s // total
    return final, rec


# -- retrieval ------------------------------------------------------------------------------------


def hits(q: np.ndarray, d: np.ndarray, relevant: np.ndarray, at: int = 10) -> np.ndarray:
    q, d = q.astype(np.float64), d.astype(np.float64)
    q /= np.maximum(1e-9, np.linalg.norm(q, axis=1, keepdims=True))
    d /= np.maximum(1e-9, np.linalg.norm(d, axis=1, keepdims=True))
    out = []
    for i in range(0, len(q), 500):
        s = q[i : i + 500] @ d.T
        mine = s[np.arange(len(s)), relevant[i : i + 500]][:, None]
        out.append((s >= mine).sum(1) <= at)  # ties count against
    return np.concatenate(out)


def tfidf(train: list[str], queries: list[str], documents: list[str], relevant: np.ndarray) -> np.ndarray:
    words = lambda s: re.findall(r"[a-z0-9]+", s.lower())
    df = Counter(w for t in train for w in set(words(t)))
    idf = lambda w: math.log((1 + len(train)) / (1 + df[w])) + 1

    def vector(s):
        v = {w: (1 + math.log(c)) * idf(w) for w, c in Counter(words(s)).items()}
        z = math.sqrt(sum(x * x for x in v.values())) or 1.0
        return {w: x / z for w, x in v.items()}

    inverted: dict[str, list] = {}
    for j, t in enumerate(documents):
        for w, x in vector(t).items():
            inverted.setdefault(w, []).append((j, x))
    out = []
    for t, r in zip(queries, relevant):
        s = np.zeros(len(documents))
        for w, x in vector(t).items():
            for j, y in inverted.get(w, ()):
                s[j] += x * y
        out.append(s[r] > 0 and (np.argsort(-s, kind="stable")[:10] == r).any())
    return np.array(out)


def interval(x: np.ndarray, rng) -> list[float]:
    """Mean and 95 % bootstrap interval over queries."""
    means = np.array([x[rng.integers(0, len(x), len(x))].mean() for _ in range(BOOT)])
    return [round(float(v), 4) for v in (x.mean(), *np.quantile(means, [0.025, 0.975]))]


def pearson(a, b) -> float:
    return round(float(np.corrcoef(a, b)[0, 1]), 3)


def spearman(a, b) -> float:
    return pearson(ranks(np.array(a)), ranks(np.array(b)))


# -- main -----------------------------------------------------------------------------------------


def main() -> None:
    dev = "dev" in sys.argv[1:]
    wn = load_wordnet()
    sp = splits(wn)
    if dev:
        task = retrieval(wn, sp["dev"], set(sp["heldout"]) | set(sp["dev"]) | set(sp["anchors"]))
        task["name"] = "dev"
    else:
        task = json.loads((MODELS / "heldout" / "wordnet-heldout-v1.json").read_text())
    docs, queries = task["documents"], task["queries"]
    where = {d["id"]: i for i, d in enumerate(docs)}
    relevant = np.array([where[q["relevant"][0]] for q in queries])
    kind = np.array([q["kind"] for q in queries])
    items = [d["text"] for d in docs] + [q["text"] for q in queries]
    keys = ["d" + d["id"] for d in docs] + [q["id"] for q in queries]
    nd = len(docs)
    rows = [np.array(x, np.int64) for x in tokenizer().encode(items)]
    rng = np.random.default_rng(5)
    shown = [variants(r, rng) for r in rows]
    sizes = np.array([len(v) for v in shown])
    anchors = json.loads((MODELS / "space" / "anchors.json").read_text())
    norm = anchors["meanNorm"]
    goal = np.frombuffer((MODELS / "space" / anchors["vectorsFile"]).read_bytes(), "<i2").reshape(-1, DIM).astype(float)
    anchor_rows = [np.array(x, np.int64) for x in tokenizer().encode([i["text"] for i in anchors["items"]])]

    names = sorted(p.parent.name for p in MODELS.glob("*/model.onnx"))
    cheats = [n for n, at in CHEATS.items() if (at / "model.onnx").exists()]
    report = {"heldout": task["name"], "documents": nd, "queries": len(queries), "models": {}}
    vec, dl, gate, hit = {}, {}, {}, {}
    starts = np.concatenate([[0], np.cumsum(sizes)])
    ordinary = np.array([8 <= len(r) <= 200 for r in rows])
    for n in names + cheats:
        s = session(CHEATS.get(n, MODELS / n) / "model.onnx")
        began = time.time()
        flat = embed(s, [r for v in shown for r in v])
        took = time.time() - began
        vec[n] = [flat[starts[i] : starts[i + 1]] for i in range(len(rows))]
        dl[n], ok = np.zeros(len(rows), np.int64), np.zeros((3, len(rows)), bool)
        for size in sorted(set(sizes)):
            at = np.flatnonzero(sizes == size)
            dl[n][at], ok[0, at], ok[1, at], ok[2, at] = measure(np.stack([vec[n][i] for i in at]), norm)
        gate[n] = ok.all(0)
        full = np.stack([v[0] for v in vec[n]])
        hit[n] = hits(full[nd:], full[:nd], relevant)
        a = embed(s, anchor_rows).astype(float)
        cos = (a * goal).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(goal, axis=1)
        report["models"][n] = {
            "anchorCosine": round(float(cos.mean()), 4),
            "meanDL": round(float(dl[n].mean() / 1e9), 5),
            "ordinaryTexts": int(ordinary.sum()),
            "ordinaryOutsideNormBand": int((~ok[0] & ordinary).sum()),
            "ordinaryOutsideMaskBand": int((~ok[1] & ordinary).sum()),
            "failedDispersion": int((~ok[2]).sum()),
            "shortTextsGated": int((~gate[n] & ~ordinary).sum()),
            "shortTexts": int((~ordinary).sum()),
            "sequencesPerSecond": int(len(flat) / took),
            "meanNorm": round(float(np.linalg.norm(full.astype(float), axis=1).mean() / SCALE), 3),
        }
        print(n, report["models"][n], f"recall {hit[n].mean():.4f}", flush=True)

    train = [t for i in sp["train"] for t in [wn[i].gloss, *wn[i].examples]]
    hit["tf-idf"] = tfidf(train, items[nd:], items[:nd], relevant)

    runs = {"honest": names}
    for c in cheats:
        runs["with-" + c] = [*names, c]
    for run, who in runs.items():
        final, rec = jobs([vec[n] for n in who], [dl[n] for n in who], [gate[n] for n in who], who, keys)
        hit["pooled:" + run] = hits(final[nd:], final[:nd], relevant)
        order = {n: i for i, n in enumerate(who)}
        comp = rec["composite"].mean(0)
        report.setdefault("scoring", {})[run] = {
            n: {
                "meanLOF": round(float(np.nanmean(rec["lof"][:, i])), 4),
                "outlierShare": round(float(rec["outlier"][:, i].mean()), 4),
                "gatedShare": round(float(rec["gated"][:, i].mean()), 4),
                "meanComposite": round(float(comp[i]), 1),
                "compositeRank": int((comp < comp[i]).sum()) + 1,
                "jobsWon": round(float(rec["won"][:, i].mean()), 4),
            }
            for n, i in order.items()
        }
        report["scoring"][run + ":jobsWithoutQualified"] = int((rec["won"].sum(1) == 0).sum())
        print(run, json.dumps(report["scoring"][run], indent=None), f"{hit['pooled:' + run].mean():.4f}", flush=True)
    plain = np.mean([np.stack([v[0] for v in vec[n]]).astype(float) for n in names], 0)
    hit["plain-mean"] = hits(plain[nd:], plain[:nd], relevant)

    order = sorted(names, key=lambda n: hit[n].mean())
    # the median single encoder: query by query, the mean of the two middle encoders (n even)
    mid = [order[(len(order) - 1) // 2], order[len(order) // 2]]
    hit["median-single"] = (hit[mid[0]].astype(float) + hit[mid[1]]) / 2
    best = order[-1]
    rng = np.random.default_rng(11)
    report["recallAt10"] = {
        n: {
            "all": interval(h.astype(float), rng),
            **{k: round(float(h[kind == k].mean()), 4) for k in sorted(set(kind))},
        }
        for n, h in hit.items()
    }
    report["medianSingle"] = mid
    diff = lambda a, b: interval(hit[a].astype(float) - hit[b], rng)
    report["pairedDifferences"] = {
        "pooled - tf-idf": diff("pooled:honest", "tf-idf"),
        "pooled - median single": diff("pooled:honest", "median-single"),
        f"pooled - best single ({best})": diff("pooled:honest", best),
        "pooled - plain mean": diff("pooled:honest", "plain-mean"),
        **{f"pooled - {c}": diff("pooled:honest", c) for c in cheats},
        **{f"pooled with {c} - pooled": diff("pooled:with-" + c, "pooled:honest") for c in cheats},
    }
    # does differential loss go with quality?
    both = lambda who: {
        "pearson": pearson([dl[n].mean() for n in who], [hit[n].mean() for n in who]),
        "spearman": spearman([dl[n].mean() for n in who], [hit[n].mean() for n in who]),
        "n": len(who),
    }
    per = lambda n: pearson((dl[n][nd:] + dl[n][relevant]) / 2, hit[n].astype(float))
    report["differentialLossAndQuality"] = {
        "note": "correlation of mean DL with recall@10; negative: lower loss goes with better recall",
        "acrossModels": both(names),
        "acrossModelsAndCheats": both(names + cheats),
        "withinModelAcrossQueries": {n: per(n) for n in names},
    }
    print(json.dumps({k: v for k, v in report.items() if k not in ("models", "scoring")}, indent=1))
    if not dev:
        (MODELS / "EVALUATION.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
