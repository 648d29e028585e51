#!/usr/bin/env bash
# How fast the real environments are: medians on an otherwise idle machine, written to target/bench/environments.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup_environments.sh
mkdir -p target/bench
cargo build --release --quiet -p lam-env-web --example web_timings -p lam-env-desktop --example desktop_timings
web=$(target/release/examples/web_timings)
writer=$(target/release/examples/desktop_timings writer)
printf '{"web": %s, "writer": %s}\n' "$web" "$writer" | python3 -m json.tool > target/bench/environments.json
cat target/bench/environments.json
