"""
Writes ../<group>.ndjson, one case a line: {"id", "fn", "input", "expect"}.

    python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python generate.py            write the files
    .venv/bin/python generate.py --check    exit 1 if a file differs from what would be written

This is a second implementation of PROTOCOL.md, which shares no code with the services.
"""

import json
import sys
from pathlib import Path

import cases_bls
import cases_consensus
import cases_ed25519
import cases_economy
import cases_embedding
import cases_mask
import cases_merkle
import cases_outlier
import cases_sample
import cases_score
import cases_shard
import cases_transaction
import cases_vrf

GROUPS = {
    "bls": cases_bls,
    "consensus-reference": cases_consensus,
    "ed25519": cases_ed25519,
    "economy": cases_economy,
    "embedding": cases_embedding,
    "mask": cases_mask,
    "merkle": cases_merkle,
    "outlier": cases_outlier,
    "sample": cases_sample,
    "score": cases_score,
    "shard": cases_shard,
    "transaction": cases_transaction,
    "vrf": cases_vrf,
}


def main(check: bool) -> int:
    folder = Path(__file__).resolve().parent.parent
    seen: set[str] = set()
    stale = 0
    for group, module in GROUPS.items():
        cases = module.cases()
        for one in cases:
            assert one.id not in seen, f"two cases are called {one.id}"
            seen.add(one.id)
        text = "".join(
            json.dumps(one.line(), separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n" for one in cases
        )
        path = folder / f"{group}.ndjson"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} differs")
            stale += 1
        print(f"{group}: {len(cases)} cases")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
