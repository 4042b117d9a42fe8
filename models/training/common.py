"""Corpus, splits and tokenizer shared by every step."""

import json
import lzma
import os
import random
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
WORK = Path(os.environ.get("SOMA_TRAIN_WORK", HERE / ".cache"))  # ignored: checkpoints and intermediate arrays
# encoders that are never registered: the trained bag ships, the random one is made from its seed
CHEATS = {"cheat": HERE / "attackers" / "cheat", "cheat-random": WORK / "cheat-random"}
DIM = 256
SCALE = 2048


@dataclass
class Synset:
    id: str
    lemmas: list[str]
    gloss: str
    examples: list[str]
    links: list[tuple[str, str]]

    @property
    def name(self) -> str:
        return ", ".join(self.lemmas)


def load_wordnet() -> dict[str, Synset]:
    out = {}
    for line in lzma.open(HERE / "corpus" / "wordnet.tsv.xz", "rt", encoding="utf-8"):
        sid, lemmas, gloss, examples, links = line.rstrip("\n").split("\t")
        pairs = []
        for link in links.split():
            at = next(i for i, c in enumerate(link) if i > 0 and c in "nvar" and link[i + 1 :].isdigit())
            pairs.append((link[:at], link[at:]))
        out[sid] = Synset(sid, lemmas.split("|"), gloss, [e for e in examples.split("|") if e], pairs)
    return out


def load_jargon() -> list[tuple[str, str]]:
    lines = lzma.open(HERE / "corpus" / "jargon.txt.xz", "rt", encoding="utf-8")
    return [tuple(line.rstrip("\n").replace("{", "").replace("}", "").split("\t", 1)) for line in lines]


def splits(wn: dict[str, Synset]) -> dict[str, list[str]]:
    """heldout: the named evaluation set; dev: for choices while training; anchors: SPACE-1; train: the rest."""
    rng = random.Random(20240611)
    ids = sorted(wn)
    rng.shuffle(ids)
    count: dict[str, int] = {}
    for s in wn.values():
        count[s.gloss] = count.get(s.gloss, 0) + 1
    used = lambda i: next((e for e in wn[i].examples if len(e.split()) >= 4), None)
    ok = [i for i in ids if len(wn[i].gloss.split()) >= 5 and count[wn[i].gloss] == 1]
    with_example = [i for i in ok if used(i)]
    with_parent = [i for i in ok if not used(i) and any(k in ("@", "@i") for k, _ in wn[i].links)]
    take = lambda pool, a, b: pool[a:b]
    held = take(with_example, 0, 1500) + take(with_parent, 0, 1500)
    dev = take(with_example, 1500, 2000) + take(with_parent, 1500, 2000)
    anchors = take(with_example, 2000, 2256) + take(with_parent, 2000, 2256)
    gone = set(held) | set(dev) | set(anchors)
    return {"heldout": held, "dev": dev, "anchors": anchors, "train": [i for i in sorted(wn) if i not in gone]}


def retrieval(wn: dict[str, Synset], ids: list[str], blocked: set[str]) -> dict:
    """Queries that share few words with the one document that answers them."""
    documents = [{"id": i, "text": wn[i].gloss} for i in ids]
    queries = []
    for i in ids:
        s = wn[i]
        example = next((e for e in s.examples if len(e.split()) >= 4), None)
        if example:
            queries.append({"id": "q" + i, "kind": "usage", "text": example, "relevant": [i]})
            continue
        up = next((t for k, t in s.links if k in ("@", "@i") and t in wn and t not in blocked), None)
        if up:
            queries.append(
                {"id": "q" + i, "kind": "kind-of", "text": f"{s.name}: {wn[up].gloss}", "relevant": [i]}
            )
    return {"documents": documents, "queries": queries}


def tokenizer():
    import sentencepiece as spm

    return spm.SentencePieceProcessor(model_file=str(MODELS / "tokenizer" / "text.model"))


def tokenizer_ids() -> dict:
    return json.loads((MODELS / "tokenizer" / "manifest.json").read_text())
