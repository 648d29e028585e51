#!/usr/bin/env bash
# Fetches NVIDIA's cuBLASLt and NVRTC from PyPI into ~/.cache/lam-train/cuda/lib (or below XDG_CACHE_HOME), where lam-train
# looks for them last; the driver comes with the card. Needs no root. Does nothing where they are.
#
#     scripts/fetch_cuda.sh          # for the driver that is there; without one, of version 12
#     scripts/fetch_cuda.sh 13       # 13 needs a driver of CUDA 13 (580 or later), 12 runs with both
#     scripts/fetch_cuda.sh --nvrtc  # the compiler alone, 90 MB instead of 700: kernels can be tried without a card
#
# They are under NVIDIA's licence (https://docs.nvidia.com/cuda/eula/), which is put beside them. Nothing of it is part of
# this project.
set -euo pipefail
driver_version() { nvidia-smi 2> /dev/null | sed -n 's/.*CUDA Version: *\([0-9]*\).*/\1/p' | head -n 1; }

major='' parts=(nvrtc cublas)
for argument in "$@"; do
  case $argument in
    12 | 13) major=$argument ;;
    --nvrtc) parts=(nvrtc) ;;
    *) echo "usage: $0 [12|13] [--nvrtc]" >&2 && exit 2 ;;
  esac
done
if [ -z "$major" ]; then
  major=12
  if [ "$(driver_version)" = 13 ]; then major=13; fi
fi

# Each with the library that tells whether it is there.
case $major in
  12) nvrtc=nvidia-cuda-nvrtc-cu12==12.9.86 cublas=nvidia-cublas-cu12==12.9.1.4 ;;
  13) nvrtc=nvidia-cuda-nvrtc==13.0.88 cublas=nvidia-cublas==13.0.2.14 ;;
esac
target=${XDG_CACHE_HOME:-$HOME/.cache}/lam-train/cuda
work=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# fetch REQUIREMENT SIGN PATTERN: the libraries of a wheel that match, the one that tells that all are there at the end.
fetch() {
  if [ -e "$target/lib/$2" ]; then return; fi
  mkdir -p "$target/lib"
  [ -n "$work" ] || work=$(mktemp -d "$target/part.XXXXXX")
  echo "fetching $1 into $target/lib" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work/$2" "$1"
  python3 - "$work/$2" "$3" << 'PYTHON'
import pathlib, re, shutil, sys, zipfile
folder = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
for name in wheel.namelist():
    base = name.rsplit("/", 1)[-1]
    if re.fullmatch(sys.argv[2], base) or re.fullmatch(r"licen[cs]e(\.txt)?", base, re.IGNORECASE):
        with wheel.open(name) as source, open(folder / base, "wb") as copy:
            shutil.copyfileobj(source, copy)
PYTHON
  for file in "$work/$2"/[Ll][Ii][Cc][Ee]*; do
    if [ -e "$file" ]; then mv "$file" "$target/LICENSE-${1%%==*}.txt"; fi
  done
  for file in "$work/$2"/lib*.so*; do
    if [ "${file##*/}" != "$2" ]; then mv "$file" "$target/lib/"; fi
  done
  mv "$work/$2/$2" "$target/lib/"
}

for part in "${parts[@]}"; do
  case $part in
    nvrtc) fetch "$nvrtc" "libnvrtc.so.$major" 'libnvrtc(-builtins)?\.so\.[0-9.]+' ;;
    cublas) fetch "$cublas" "libcublasLt.so.$major" 'libcublasLt\.so\.[0-9.]+' ;;
  esac
done
