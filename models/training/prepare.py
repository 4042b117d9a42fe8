"""Held-out set and tokenizer."""

import hashlib
import json

import sentencepiece as spm

from common import MODELS, WORK, load_jargon, load_wordnet, retrieval, splits


def main() -> None:
    WORK.mkdir(exist_ok=True)
    wn = load_wordnet()
    sp = splits(wn)
    blocked = set(sp["heldout"]) | set(sp["dev"]) | set(sp["anchors"])

    held = retrieval(wn, sp["heldout"], blocked)
    held = {
        "name": "wordnet-heldout-v1",
        "description": "WordNet 3.0 synsets that no model, tokenizer or idf table has seen. Documents are definitions; "
        "a query is a usage example ('usage') or the words with their parent's definition ('kind-of'). "
        "One relevant document each.",
        "licence": "WordNet 3.0, see models/training/corpus/LICENSE.wordnet",
        **held,
    }
    (MODELS / "heldout" / "wordnet-heldout-v1.json").write_text(json.dumps(held, indent=0, ensure_ascii=False) + "\n")
    print("held-out", len(held["documents"]), "documents", len(held["queries"]), "queries")

    lines = []
    for i in sp["train"]:
        s = wn[i]
        lines += [s.gloss, s.gloss[:1].upper() + s.gloss[1:] + ".", s.name]
        lines += [e[:1].upper() + e[1:] for e in s.examples]
    for _, text in load_jargon():
        lines += [t.strip() for t in text.split(". ") if len(t) > 10]
    text = WORK / "tokenizer.txt"
    text.write_text("\n".join(lines) + "\n")
    out = MODELS / "tokenizer" / "text"
    spm.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(out),
        model_type="bpe",
        vocab_size=8000,
        normalization_rule_name="identity",
        byte_fallback=True,
        user_defined_symbols=["<mask>"],
        unk_id=0,
        pad_id=1,
        bos_id=-1,
        eos_id=-1,
        character_coverage=0.9995,
        num_threads=1,
        input_sentence_size=0,
        minloglevel=1,
    )
    (MODELS / "tokenizer" / "text.vocab").unlink()
    model = (MODELS / "tokenizer" / "text.model").read_bytes()
    proc = spm.SentencePieceProcessor(model_proto=model)
    manifest = {
        "id": "soma-text-bpe-8k-v1",
        "sha256": hashlib.sha256(model).hexdigest(),
        "kind": "sentencepiece-bpe",
        "file": "text.model",
        "vocabSize": proc.get_piece_size(),
        "maskId": proc.piece_to_id("<mask>"),
        "padId": proc.pad_id(),
        "unkId": proc.unk_id(),
        "addBos": False,
        "addEos": False,
    }
    (MODELS / "tokenizer" / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(manifest)


if __name__ == "__main__":
    main()
