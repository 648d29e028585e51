#!/usr/bin/env bash
# Fetches what the tests and configurations use beyond this repository. Does nothing where all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/fetch_help.sh
