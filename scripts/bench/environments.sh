#!/usr/bin/env bash
# How fast the real environments are: medians on an otherwise idle machine, written to target/bench/environments.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup_environments.sh
mkdir -p target/bench
cargo build --release --quiet -p lam-env-web --example timings
web=$(target/release/examples/timings)
printf '{"web": %s}\n' "$web" | python3 -m json.tool > target/bench/environments.json
cat target/bench/environments.json
