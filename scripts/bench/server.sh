#!/usr/bin/env bash
# The model server beside the generator that it is made of: see README.md here.
#
#   scripts/bench/server.sh MODEL [clients] [requests] [tokens] [rounds] [slots]     # such as runs/quickstart/lam4
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ $# -gt 0 ]] || { echo "error: name a model's directory; hint: $0 runs/quickstart/lam4" >&2; exit 2; }
exec cargo run --release --locked --quiet -p lam-serve --example over_http -- "$@"
