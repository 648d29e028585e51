#!/usr/bin/env bash
# Episodes in real applications, after scripts/test.sh: LibreOffice Writer, two GTK applications, and some thirty on
# MiniWoB++'s pages. Installs what they need. A machine that is too busy for a browser may lose one; so each test has
# three tries. `cargo test --workspace` runs these and the longer ones wherever the programs are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! scripts/setup_environments.sh; then
  echo "NOT TESTED: the real applications could not be installed" >&2
  exit 0
fi
export LAM_REQUIRE_ENVIRONMENTS=1

# try TARGET TEST
try() {
  for _ in 1 2 3; do
    timeout 600 cargo test --release --workspace --locked --test "$1" -- --exact "$2" && return
  done
  echo "FAILED three times: $2 ($1)" >&2
  exit 1
}

try live applications::writer_formats_a_real_document
try live applications::a_text_editor_and_a_calculator_need_no_code
try pages native_input_reaches_what_a_script_reaches
try pages a_run_survives_browsers_that_are_killed
