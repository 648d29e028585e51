#!/usr/bin/env bash
# The tests and the lints, with one build of everything: the profile of the tests is the profile of the runs.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --release --workspace --locked
cargo clippy --workspace --all-targets --locked -- --deny warnings
