"""Makes wordnet.tsv.xz and jargon.txt.xz from Debian packages.

Only needed to redo the shipped corpus files:
    apt-get download wordnet-base dict-jargon
    for p in *.deb; do dpkg -x "$p" root; done
    python fetch.py root
"""

import gzip
import lzma
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEEP = {"@", "@i", "#m", "#p", "#s", "%m", "%p", "%s", "&", "+", "*", ">", ";c"}


def wordnet(root: Path) -> list[str]:
    rows = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (root / "usr/share/wordnet" / f"data.{part}").read_text("latin-1").splitlines():
            if line.startswith(" "):
                continue
            head, gloss = line.split(" | ", 1)
            f = head.split(" ")
            pos = "a" if f[2] == "s" else f[2]
            n = int(f[3], 16)
            lemmas = [re.sub(r"\([a-z]+\)$", "", f[4 + 2 * i]).replace("_", " ") for i in range(n)]
            at = 4 + 2 * n
            links = []
            for i in range(int(f[at])):
                sym, off, p, _ = f[at + 1 + 4 * i : at + 5 + 4 * i]
                if sym in KEEP:
                    links.append(f"{sym}{'a' if p == 's' else p}{off}")
            examples = re.findall(r'"([^"]{8,})"', gloss)
            definition = re.sub(r'\s*;?\s*"[^"]*"', "", gloss).strip(" ;")
            definition = re.sub(r"[\t\s]+", " ", definition)
            if not definition:
                continue
            rows.append(
                "\t".join(
                    [pos + f[0], "|".join(lemmas), definition, "|".join(e.strip() for e in examples), " ".join(links)]
                )
            )
    return rows


def dictd(root: Path, name: str) -> list[str]:
    """One line an entry: headword, tab, text."""
    text = gzip.open(root / "usr/share/dictd" / f"{name}.dict.dz").read().decode("utf-8", "replace")
    out, head, body = [], None, []
    for line in text.splitlines() + ["end"]:
        if line and not line[0].isspace():
            if head and body:
                out.append(head + "\t" + re.sub(r"\s+", " ", " ".join(body)).strip())
            head, body = line.strip(), []
        else:
            body.append(line.strip())
    return [o for o in out if len(o.split("\t")[1]) > 20 and not o.startswith("00-database")]


def write(name: str, rows: list[str]) -> None:
    (HERE / name).write_bytes(lzma.compress(("\n".join(rows) + "\n").encode(), preset=9 | lzma.PRESET_EXTREME))
    print(name, len(rows))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    write("wordnet.tsv.xz", wordnet(root))
    write("jargon.txt.xz", dictd(root, "jargon"))
