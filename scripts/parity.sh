#!/usr/bin/env bash
# What lam-train computes beside what Hugging Face's libraries compute: each part is a program in scripts/parity/ that
# makes its own inputs, prints its largest differences and fails where one is above its limit.
#
#     scripts/parity.sh [PARTS]      # adapters exports losses masks templates tokenization; all by default
#
# Makes a Python environment of 5 GB in target/parity, once.
set -euo pipefail
cd "$(dirname "$0")/.."
parity=target/parity
python=$parity/venv/bin/python

mkdir -p $parity
if ! cmp -s scripts/parity/requirements.txt $parity/requirements.txt; then
  python3 -m venv --clear $parity/venv
  $python -m pip install --quiet -r scripts/parity/requirements.txt
  cp scripts/parity/requirements.txt $parity/requirements.txt
fi
cargo build --release --locked -p lam-cli -p lam-prompt --bin lam-train --example tokenize

[ $# -gt 0 ] || set -- $(cd scripts/parity && printf '%s\n' *.py | sed 's/\.py$//')
failed=()
for part in "$@"; do
  echo "== $part"
  $python "scripts/parity/$part.py" target/release/lam-train || failed+=("$part")
done
[ ${#failed[@]} = 0 ] || { echo "not equal: ${failed[*]}" >&2; exit 1; }
