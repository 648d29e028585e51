#!/usr/bin/env bash
# The engine beside PyTorch, transformers, PEFT and llama.cpp: see README.md here.
#
#   scripts/bench/engine.sh [--only a,d-small] [--threads 1,2] [--repeats N] [--cpu avx2] [--table]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=scripts/bench
bench=target/bench
python=$bench/venv/bin/python

fail() {
  echo "error: $1" >&2
  exit 1
}

# Runs a step that is seldom worth reading; shows what it said when it fails.
quietly() {
  local log=$bench/$1.log
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    fail "\`$*\` failed; hint: all it said is in $log"
  }
}

# Made again only when the list of packages has changed. --no-deps: the list is whole, and leaves out what a CPU never
# loads.
make_environment() {
  cmp -s $here/requirements.txt $bench/requirements.txt && return
  command -v python3 >/dev/null || fail "python3 is missing"
  command -v g++ >/dev/null || fail "g++ is missing; hint: llama.cpp is built from its sources"
  echo "making $bench/venv; this takes a while and 5 GB"
  python3 -m venv --clear $bench/venv || fail "python3 -m venv failed; hint: install python3-venv"
  # llama.cpp for this processor, with no more compilers at once than it has cores.
  CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) \
    quietly pip $python -m pip install --no-deps -r $here/requirements.txt
  cp $here/requirements.txt $bench/requirements.txt
}

mkdir -p $bench/models
make_environment
command -v cargo >/dev/null || fail "cargo is missing; hint: https://rustup.rs"
quietly build cargo build --release --locked -p lam-trainer --example engine
models=$($python $here/engine.py "$@" --missing-models)
# shellcheck disable=SC2086 # one word a model
[ -z "$models" ] || quietly models $python $here/models.py $bench/models $models
exec $python $here/engine.py "$@"
