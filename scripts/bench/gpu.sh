#!/usr/bin/env bash
# LoRA and QLoRA steps, decoding and loading of a Mistral-7B on a GPU, ours and the peers' in one run, beside the goals:
#
#     scripts/bench/gpu.sh                           # all works; ten minutes on an H200
#     scripts/bench/gpu.sh --only lora-1x4096 --peers compile,liger
#     scripts/bench/gpu.sh --tiny                    # small shapes; peers on the processor, ours on what answers
#     scripts/bench/gpu.sh --table                   # what is measured so far
#
# Needs a GPU with its driver, python3 with torch, transformers and PEFT (Liger and bitsandbytes where they are
# installed), cuBLASLt and NVRTC (the wheels that torch brings will do), and our runner: RUNNER, or it is built. Figures go
# to target/bench/gpu.json, or to $OUT/gpu.json.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export RUNNER=${RUNNER:-$root/target/release/examples/engine}
if [[ " $* " != *" --table "* && ! -x $RUNNER ]]; then
  (cd "$root" && cargo build --release -p lam-trainer --example engine)
fi
exec "${PYTHON:-python3}" "$root/scripts/bench/gpu.py" "$@"
