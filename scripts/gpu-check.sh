#!/usr/bin/env bash
# Checks the CUDA backend on a machine with a GPU, in eight minutes. That machine needs the driver and python3 with torch,
# transformers, PEFT and the wheels of cuBLASLt and NVRTC that torch brings; neither Rust nor a network.
#
#     scripts/gpu-check.sh --pack              # where Rust is: target/gpu-check.tar.xz, below 20 MiB
#     scripts/gpu-check.sh                     # where the GPU is: in this tree, or in the archive's folder, unpacked
#     scripts/gpu-check.sh --only kernels,decoder
#     scripts/gpu-check.sh --emulation         # without a GPU: the same parts, small, on the emulation
#
# The parts:
#   kernels       every kernel's wrapper beside the processor in f32: odd sizes, packed documents, poisoned outputs
#   decoder       a decoder of two layers beside the processor in bf16: losses, gradients, steps of every kind
#   twenty-steps  twenty steps of LoRA and of all weights beside PyTorch + PEFT, losses within 1 %
#   resume        a LoRA run that is killed by SIGKILL at a random instant and resumed ends with the same bytes
#   quickstart    the quickstart's stages through LAM4 and its evaluation, small; --whole runs all of it
#   bench         scripts/bench/gpu.sh, with the peers, in what is left of the time
#
# The last line counts the parts that passed, failed and were not run. Logs and figures go to target/bench/ (gpu.json), or
# to $OUT. A part ends with 77 where the machine lacks something for it, and says what.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
parts=(kernels decoder twenty-steps resume quickstart bench)
archive=target/gpu-check.tar.xz

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

pack() {
  cd "$root" || exit 1
  set -e
  # Machine code of many sizes from one set of crates: one archive with a window over all of it.
  cargo build --release --locked -p lam-cli -p lam-trainer --bin lam-train --example engine
  work=$(mktemp -d)
  trap 'rm -rf "${work:-}"' EXIT
  mkdir -p "$work/gpu-check/bin" "$work/gpu-check/scripts"
  cp target/release/lam-train target/release/examples/engine "$work/gpu-check/bin/"
  cargo test --release --locked --no-run -p lam-model --lib --test cuda --message-format json |
    "$python" -c '
import json, shutil, sys
names = {"lib": "kernels", "test": "decoder"}
for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable") and built.get("profile", {}).get("test"):
        shutil.copy(built["executable"], sys.argv[1] + "/" + names[built["target"]["kind"][0]])
' "$work/gpu-check/bin"
  strip --strip-all "$work"/gpu-check/bin/*
  cp -r --parents scripts/gpu-check.sh scripts/gpu scripts/bench/gpu*.py scripts/bench/gpu.sh scripts/bench/measure.py \
    scripts/parity/losses.py "$work/gpu-check/"
  rm -rf "$work"/gpu-check/scripts/*/__pycache__
  mkdir -p target
  tar -C "$work" --sort=name -cf - gpu-check | xz -9e --lzma2=dict=96MiB -c > $archive.part
  mv $archive.part $archive
  ls -l $archive
  [ "$(stat -c %s $archive)" -lt 20971520 ] || { echo "error: $archive is above 20 MiB" >&2; exit 1; }
}

unpack() {
  [ -d "$root/bin" ] && return
  [ -f "$root/$archive" ] || { echo "error: there is no $archive; hint: scripts/gpu-check.sh --pack where Rust is" >&2; exit 2; }
  local to=${TMPDIR:-/tmp}/lam-gpu-check-$(id -u)
  "$python" - "$root/$archive" "$to" << 'P' || exit 2
import shutil, sys, tarfile
shutil.rmtree(sys.argv[2], ignore_errors=True)
with tarfile.open(sys.argv[1]) as archive:
    archive.extractall(sys.argv[2], filter="data")
P
  home=$to/gpu-check
}

# run NAME SECONDS COMMAND...: a part, within its time and what is left of all.
run() {
  local name=$1 limit=$(($2 * slower)) left=$((end - SECONDS)) start=$SECONDS code
  shift 2
  [[ ",$only," == *",$name,"* ]] || return
  [ $limit -le $left ] || limit=$left
  if [ "$limit" -lt 5 ]; then
    code=77
    echo "no time is left for it" > "$out/$name.log"
  else
    echo "== $name, at most $limit s"
    timeout --kill-after=5 "$limit" "$@" > "$out/$name.log" 2>&1
    code=$?
    [ $code -ne 124 ] || echo "out of time after $limit s" >> "$out/$name.log"
  fi
  case $code in
    0) passed+=("$name") said=passed ;;
    77) missed+=("$name") said="not run" ;;
    *) failed+=("$name") said="FAILED with $code" ;;
  esac
  tail -n "$([ $code -eq 0 ] && echo 12 || echo 40)" "$out/$name.log" | sed 's/^/   /'
  echo "== $name: $said, $((SECONDS - start)) s"
  printf '%s\t%s\t%s\n' "$name" "$said" "$((SECONDS - start))" >> "$out/parts.tsv"
}

# What the loader does not find by itself is told in front of everything, and looked for where Python has it.
libraries() {
  "$home/bin/lam-train" doctor --json > "$out/doctor.json" 2> /dev/null
  "$home/bin/lam-train" doctor 2> /dev/null | grep -i -A 3 cuda
  "$python" - "$out/doctor.json" << 'P'
import json, sys
found = json.load(open(sys.argv[1]))
found = found.get("cuda", found)
sys.exit(1 if "missing" in found.get("driver", {"missing": ""}) else 0)
P
}

only=$(IFS=,; echo "${parts[*]}") emulation='' whole='' seconds=480 slower=1
while [ $# -gt 0 ]; do
  case $1 in
    --pack) pack; exit ;;
    --only) only=${2:?--only wants parts}; shift ;;
    --seconds) seconds=${2:?--seconds wants a number}; shift ;;
    --emulation) emulation=1 slower=10 ;;
    --whole) whole=--whole ;;
    *) usage; [ "$1" = --help ] && exit 0 || exit 2 ;;
  esac
  shift
done
for name in ${only//,/ }; do
  [[ " ${parts[*]} " == *" $name "* ]] || { echo "error: --only $name: no such part; hint: ${parts[*]}" >&2; exit 2; }
done

home=$root
unpack
out=${OUT:-$root/target/bench}
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out/parts.tsv"
SECONDS=0 end=$((seconds * slower)) passed=() failed=() missed=() tiny=''
export PYTHON=$python RUNNER=$home/bin/engine LAM_TRAIN=$home/bin/lam-train
if [ -n "$emulation" ]; then
  tiny=--tiny
  if [ -z "${LAM_CUDA_LIBRARIES:-}" ]; then
    newest=$(ls -dt "$root"/target/tmp/emulation-*/ 2> /dev/null | head -n 1)
    [ -n "$newest" ] || { echo "error: no emulation is built; hint: cargo test --release -p lam-model --test cuda" >&2; exit 2; }
    export LAM_CUDA_LIBRARIES=${newest%/}
  fi
fi
if ! libraries; then
  echo "error: no GPU answers; hint: nvidia-smi says whether the driver is there, --emulation needs no GPU" >&2
  exit 2
fi
command -v nvidia-smi > /dev/null && nvidia-smi --query-gpu=name,driver_version,power.limit,memory.used --format=csv,noheader

run kernels 120 "$python" "$home/scripts/gpu/tests.py" "$home/bin/kernels" backend::cuda
run decoder 60 "$python" "$home/scripts/gpu/tests.py" "$home/bin/decoder"
run twenty-steps 75 "$python" "$home/scripts/gpu/twenty_steps.py" $tiny
run resume 75 "$python" "$home/scripts/gpu/resume.py" $tiny
run quickstart "$([ -n "$whole" ] && echo 460 || echo 90)" "$python" "$home/scripts/gpu/quickstart.py" $tiny $whole
# What is left of the time is the benchmark's, and it must have told its figures before that.
left=$((end - SECONDS))
run bench $left bash "$home/scripts/bench/gpu.sh" $tiny --seconds $((left - 10)) --out "$out/bench.json" \
  --models "${MODELS:-$root/target/bench/models}"

"$python" "$home/scripts/gpu/figures.py" "$out" "$only"
echo "parts: ${#passed[@]} passed (${passed[*]}), ${#failed[@]} failed (${failed[*]}), ${#missed[@]} not run (${missed[*]})"
[ ${#failed[@]} -eq 0 ]
