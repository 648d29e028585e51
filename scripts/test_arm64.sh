#!/usr/bin/env bash
# Cross-compiles the model's crate for Arm's processors of 64 bits and runs the tests of its kernels, of its operations and of
# generation under qemu: with products of bf16 and of bytes, and without. Installs what it needs where it may (Debian
# packages, Rust's target). Ends with 3, as what did not run, where it cannot have that.
# scripts/test_arm64.sh [FILTER…]: tests whose names contain one of them instead.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)

not_run() {
  echo "arm64: not run: $1" >&2
  exit 3
}

have_tools() { command -v aarch64-linux-gnu-gcc > /dev/null && command -v qemu-aarch64 > /dev/null; }

install_tools() {
  command -v apt-get > /dev/null || return 1
  local sudo=()
  [ "$(id -u)" = 0 ] || { sudo=(sudo -n) && sudo -n true 2> /dev/null; } || return 1
  # apt keeps its archives in a folder of its own, so that another apt run cannot take them away.
  local archives
  archives=$(mktemp -d)
  mkdir "$archives/partial"
  "${sudo[@]}" apt-get -qq update > /dev/null || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dir::Cache::archives="$archives" \
    -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root install -y "${packages[@]}" > /dev/null || true
  "${sudo[@]}" rm -r "$archives"
  have_tools
}

have_tools || install_tools || not_run "${packages[*]} are not there and cannot be installed"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target" > /dev/null 2>&1 ||
  not_run "Rust's target $target is not there and cannot be fetched"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# `max` has every extension; `cortex-a72` neither bf16 nor i8mm, as a Raspberry Pi 4.
run() { # run CPU: this processor
  local cpu=$1
  shift
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu $cpu" \
    cargo test --release --target "$target" -p lam-model --lib -- "$@"
}

filter=("$@")
[ $# -gt 0 ] || filter=(cpu::kernel cpu::ops generation::cpu)
for cpu in max cortex-a72; do
  echo "arm64: $cpu"
  run "$cpu" "${filter[@]}"
done
