#!/usr/bin/env bash
# A whole run by stage, wall and processor seconds and results, with history: see README.md here.
#
#   scripts/bench/quickstart.sh                             # the quickstart as it is
#   scripts/bench/quickstart.sh --set lam2.train.max_tokens=300000 --until lam2
#   scripts/bench/quickstart.sh pipelines/full.toml --threads 1
#   scripts/bench/quickstart.sh --history                   # all that was measured on this checkout
#
# RUNNER names another binary, for comparisons; it is not built then.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || { echo "error: python3 is missing" >&2; exit 1; }
if [[ " $* " != *" --history "* && " $* " != *" --help "* && -z ${RUNNER:-} ]]; then
  (cd "$root" && cargo build --release --locked --quiet -p lam-cli)
fi
export RUNNER=${RUNNER:-$root/target/release/lam-train}
exec python3 "$root/scripts/bench/quickstart.py" "$@"
