"""Prints the README's tables from EVALUATION.json."""

import json

from common import MODELS


def main() -> None:
    r = json.loads((MODELS / "EVALUATION.json").read_text())
    s, c = r["scoring"]["honest"], r["scoring"].get("with-cheat", {})
    print("| encoder | MB | recall@10 | usage | kind-of | anchor cosine | mean DL | mean LOF | rank (SCORE-1) | jobs won | won with the bag |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for n, m in r["models"].items():
        q = r["recallAt10"][n]
        x = s.get(n) or r["scoring"].get("with-" + n, {}).get(n)
        size = (MODELS / n / "model.onnx").stat().st_size / 1e6 if (MODELS / n).exists() else 0
        won = f"{s[n]['jobsWon']:.1%}" if n in s else "-"
        rank = s[n]["compositeRank"] if n in s else f"{x['compositeRank']} of {len(s) + 1}"
        with_bag = f"{c[n]['jobsWon']:.1%}" if n in c else "-"
        print(f"| {n} | {f'{size:.1f}' if size else '-'} | {q['all'][0]:.3f} [{q['all'][1]:.3f}, {q['all'][2]:.3f}] | {q['usage']:.3f} | {q['kind-of']:.3f} | "
              f"{m['anchorCosine']:.3f} | {m['meanDL']:.4f} | {x['meanLOF']:.3f} | {rank} | {won} | {with_bag} |")
    print()
    for n in ("tf-idf", "median-single", "plain-mean", "pooled:honest", "pooled:with-cheat", "pooled:with-cheat-random"):
        q = r["recallAt10"][n]
        print(f"| {n} | {q['all'][0]:.3f} [{q['all'][1]:.3f}, {q['all'][2]:.3f}] | {q['usage']:.3f} | {q['kind-of']:.3f} |")
    print()
    for n, d in r["pairedDifferences"].items():
        print(f"| {n} | {d[0]:+.3f} [{d[1]:+.3f}, {d[2]:+.3f}] |")
    print(json.dumps(r["differentialLossAndQuality"]))
    for n, m in r["models"].items():
        print(n, {k: v for k, v in m.items() if "ut" in k or "short" in k or "Disp" in k or "Second" in k})


if __name__ == "__main__":
    main()
