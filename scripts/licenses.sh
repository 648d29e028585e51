#!/usr/bin/env bash
# Writes what lam-train is linked from beside our own code: each library with its version, licence and address, then the
# texts that come with them, each once. It goes along wherever the binary does (`scripts/package.sh`, the container).
# Reads the sources that Cargo has fetched for a build, and nothing from the network.
#
#     scripts/licenses.sh > THIRD-PARTY
set -euo pipefail
cd "$(dirname "$0")/.."
fetched=${CARGO_HOME:-$HOME/.cargo}/registry/src
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME vVERSION|LICENCE|ADDRESS; what has a folder of this project behind its version is our own.
cargo tree --locked --package lam-cli --edges normal,no-proc-macro --prefix none --format '{p}|{l}|{r}' |
  sed -e 's/ (\*)$//' -e '/^$/d' -e '/^[^|]* (/d' | LC_ALL=C sort -u > "$work/libraries"

# keep NAME FILE...: texts that differ only in their ends of lines are one.
keep() {
  local name=$1 text hash
  shift
  for text in "$@"; do
    hash=$(tr -d '\r' < "$text" | sha256sum | cut -c -64)
    [ -e "$work/$hash.text" ] || tr -d '\r' < "$text" > "$work/$hash.text"
    echo "$name" >> "$work/$hash.names"
  done
}

cat << 'HEAD'
lam-train is linked from the libraries below, which are others' work under their own licences. A line is a library, its
version, its licence by SPDX and where its source is; at crates.io it is under the same name and version. The texts that
come with them follow, each below the names of its libraries. lam-train itself is under the licence in LICENSE.

HEAD
while IFS='|' read -r package licence address; do
  name=${package% v*} version=${package##* v}
  folders=("$fetched"/*/"$name-$version")
  [ -d "${folders[0]}" ] || {
    echo "error: $fetched: no source of $name $version; hint: build the program first, or run cargo fetch --locked" >&2
    exit 1
  }
  echo "$name $version: $licence, ${address:-https://crates.io/crates/$name}"
  # Libraries that hold a part of another have its text beside it.
  mapfile -t texts < <(find "${folders[0]}" -type f ! -name '*.rs' \
    -iregex '.*/\(licen[cs]e\|unlicense\|copying\|copyright\|notice\)[^/]*' | LC_ALL=C sort)
  keep "$name $version" "${texts[@]}"
done < "$work/libraries"

rust="std $(rustc --version | cut -d ' ' -f 2)"
echo "$rust: MIT OR Apache-2.0, https://github.com/rust-lang/rust"
for text in MIT Apache-2.0; do
  text=$(rustc --print sysroot)/share/doc/rust/licenses/$text.txt
  if [ -e "$text" ]; then keep "$rust" "$text"; fi
done

# In the order of their first libraries.
for names in "$work"/*.names; do
  echo "$(head -n 1 "$names")|$(basename "$names" .names)"
done | LC_ALL=C sort | while IFS='|' read -r _ hash; do
  printf '\n%.0s' 1 2
  printf '=%.0s' {1..100}
  printf '\n'
  LC_ALL=C sort -u "$work/$hash.names" | paste -sd , | sed 's/,/, /g' | fold -s -w 120
  printf '\n'
  cat "$work/$hash.text"
done
