"""Positive pairs of texts, tokenised once."""

import random

import numpy as np

from common import load_jargon, load_wordnet, splits, tokenizer


class Texts:
    def __init__(self):
        self.index: dict[str, int] = {}
        self.items: list[str] = []

    def add(self, text: str) -> int:
        at = self.index.get(text)
        if at is None:
            at = self.index[text] = len(self.items)
            self.items.append(text)
        return at


def capital(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def build(seed: int):
    """texts (two spellings each, as id arrays) and pairs by kind as [n, 2] arrays of text numbers."""
    rng = random.Random(seed)
    wn = load_wordnet()
    train = splits(wn)["train"]
    inside = set(train)
    t = Texts()
    pairs: dict[str, list] = {k: [] for k in ("kind-of", "usage", "usage-name", "name", "parent", "sibling", "link", "jargon", "topic")}
    children: dict[str, list[str]] = {}
    for i in train:
        s = wn[i]
        gloss, name = t.add(s.gloss), t.add(s.name)
        ups = [x for k, x in s.links if k in ("@", "@i") and x in inside]
        pairs["name"].append((name, gloss))
        if ups:
            up = wn[ups[0]]
            children.setdefault(up.id, []).append(i)
            pairs["kind-of"].append((t.add(f"{s.name}: {up.gloss}"), gloss))
            pairs["kind-of"].append((t.add(f"{s.name}, {up.name}"), gloss))
            pairs["parent"].append((gloss, t.add(up.gloss)))
            pairs["parent"].append((name, t.add(up.name)))
        for e in s.examples:
            if len(e.split()) >= 3:
                pairs["usage"].append((t.add(e), gloss))
                pairs["usage-name"].append((t.add(e), t.add(f"{s.name}, {wn[ups[0]].name}") if ups else name))
        for k, x in s.links:
            if k not in ("@", "@i") and x in inside:
                o = wn[x]
                pairs["link"].append((t.add(f"{s.name}: {s.gloss}") if rng.random() < 0.5 else gloss, t.add(o.gloss)))
                pairs["link"].append((name, t.add(o.gloss) if rng.random() < 0.5 else t.add(o.name)))
    for up, kids in children.items():
        for i in kids:
            if len(kids) > 1:
                o = rng.choice(kids)
                if o != i:
                    pairs["sibling"].append((t.add(wn[i].gloss), t.add(wn[o].gloss)))
        rng.shuffle(kids)
        if len(kids) >= 6:
            for a in range(0, min(len(kids) - 5, 24), 6):
                one, two = kids[a : a + 3], kids[a + 3 : a + 6]
                pairs["topic"].append(tuple(t.add(" ".join(capital(wn[x].gloss) for x in g)) for g in (one, two)))
    for head, text in load_jargon():
        parts = [p.strip() for p in text.split(". ") if len(p) > 25]
        for a, b in zip(parts, parts[1:]):
            pairs["jargon"].append((t.add(head + ": " + a[:250]), t.add(b[:250])))
    sp = tokenizer()
    plain = [np.array(x, np.int64) for x in sp.encode(t.items)]
    caps = [np.array(x, np.int64) for x in sp.encode([capital(x) for x in t.items])]
    return plain, caps, {k: np.array(v, np.int64) for k, v in pairs.items() if v}
