#!/bin/sh
# Rebuilds tokenizer, held-out set, models, space and evaluation from the shipped corpus.
# About 40 minutes on two CPU cores; nothing but PyPI is reached. JOBS trains that many at once.
set -eu
cd "$(dirname "$0")"
PY=${PYTHON:-python3}
if [ -z "${SOMA_TRAIN_PYTHON:-}" ]; then
  [ -d .venv ] || "$PY" -m venv .venv
  .venv/bin/pip install -q -r requirements.txt
  SOMA_TRAIN_PYTHON=.venv/bin/python
fi
RUN=$SOMA_TRAIN_PYTHON
mkdir -p .cache
"$RUN" prepare.py
"$RUN" -c 'from encoders import CONFIGS; print("\n".join([*CONFIGS, "cheat"]))' |
  xargs -P "${JOBS:-2}" -n 1 "$RUN" train.py
"$RUN" align.py
"$RUN" check.py
"$RUN" evaluate.py
