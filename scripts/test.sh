#!/usr/bin/env bash
# All tests and lints, with one build of everything: the profile of the tests is the profile of the runs. Sets up what
# tests in real applications need, where that may be installed. A test that lacks its part is listed as not run, with
# what is missing; with LAM_REQUIRE_ENVIRONMENTS=1 it fails. The last line counts tests, and each lint as one more.
#
#     scripts/test.sh [PACKAGES]     # as cargo takes them: -p lam-env-web; all by default
set -uo pipefail
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- --workspace
log=$(mktemp)
# Tests of libraries' own that could not run: their harness counts them as passed (tests/not_run.rs).
export LAM_NOT_RUN=$(mktemp)
trap 'rm -f "$log" "$LAM_NOT_RUN"' EXIT
passed=0 failed=0 skipped=0
failures=() not_run=()

scripts/setup_environments.sh || echo "the set-up is not complete: what cannot run for it is listed at the end"

# lint COMPONENT COMMAND...: a check by a part of Rust's tools that a small installation leaves out.
lint() {
  local component=$1
  shift
  echo "+ $*"
  if [ "$component" != rustc ] && ! cargo "$2" --version > /dev/null 2>&1 && ! rustup component add "$component"; then
    skipped=$((skipped + 1)) not_run+=("$* ($component is not installed)")
  elif "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1)) failures+=("$*")
  fi
}

lint rustfmt cargo fmt --all --check

# A machine that is too busy for a browser may lose one.
export LAM_TRIES=${LAM_TRIES:-3}
cargo test --release --locked --no-fail-fast "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
# `test result: ok. 12 passed; 0 failed; 1 ignored; ...` of every test program.
read -r p f s < <(awk '/^test result: / { p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }' "$log")
left=$(sort -u "$LAM_NOT_RUN" | wc -l)
passed=$((passed + p - left)) failed=$((failed + f)) skipped=$((skipped + s + left))
mapfile -t -O ${#not_run[@]} not_run < <(sort -u "$LAM_NOT_RUN")
mapfile -t -O ${#not_run[@]} not_run < <(sed -n 's/^test \(.*[^ ]\) *\.\.\. ignored/\1/p' "$log")
mapfile -t -O ${#failures[@]} failures < <(
  awk '/^failures:$/ { on = 1 } /^test result: / { on = 0 } on && /^    [[:alnum:]_:.\/-]+( - .*)?$/ { sub(/^ +/, ""); print }' "$log"
)
# A program that broke down has no result.
broken=$(($(grep -cE '^ +(Running|Doc-tests) ' "$log") - $(grep -c '^test result: ' "$log")))
[ "$broken" -le 0 ] || { failed=$((failed + broken)) failures+=("$broken test programs without a result"); }
if [ "$status" != 0 ] && [ "$f" = 0 ] && [ "$broken" -le 0 ]; then
  failed=$((failed + 1)) failures+=("cargo test $*, before all tests had run")
fi

lint clippy cargo clippy --release --all-targets --locked "$@" -- --deny warnings
RUSTDOCFLAGS='--deny warnings' lint rustc cargo doc --release --no-deps --locked "$@"

echo
grep ' failed at try [0-9]* of [0-9]*$' "$log"
[ ${#not_run[@]} = 0 ] || printf 'not run: %s\n' "${not_run[@]}"
[ ${#failures[@]} = 0 ] || printf 'FAILED: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && { [ -z "${LAM_REQUIRE_ENVIRONMENTS:-}" ] || [ "$skipped" = 0 ]; }
