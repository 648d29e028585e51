#!/usr/bin/env bash
# Makes an archive with the program for machines without Rust: target/package/lam-train-VERSION-TARGET.tar.gz and its
# SHA-256 beside it. In it: the stripped binary, LICENSE, README, shell completions, manual pages, configs and pipelines.
#
#     scripts/package.sh                     # builds the binary first
#     scripts/package.sh --binary FILE       # takes one that was built on this machine before
#
# The same commit and the same binary make the same archive, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/.."
out=target/package
# Above this the archive is made all the same, and it is said.
most_bytes=45000000

binary=
while [ $# -gt 0 ]; do
  case $1 in
    --binary) binary=${2:?--binary needs a file}; shift 2 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) echo "error: unknown argument $1; hint: scripts/package.sh [--binary FILE]" >&2; exit 2 ;;
  esac
done
if [ -z "$binary" ]; then
  cargo build --release --locked -p lam-cli --bin lam-train
  binary=target/release/lam-train
fi
[ -x "$binary" ] || { echo "error: $binary is no program; hint: leave --binary out to build it" >&2; exit 2; }
version=$("$binary" --version | awk 'NR == 1 { print $2 }')
target=$(rustc -vV | sed -n 's/^host: //p')
name=lam-train-$version-$target

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=$work/$name
mkdir -p "$place/completions" "$out"
strip --strip-all -o "$place/lam-train" "$binary"
cp crates/LICENSE README.md "$place/"
cp -r configs pipelines "$place/"
mkdir -p "$place/data/readme"
cp data/readme/*.png "$place/data/readme/"
"$place/lam-train" completions bash > "$place/completions/lam-train.bash"
"$place/lam-train" completions zsh > "$place/completions/_lam-train"
"$place/lam-train" completions fish > "$place/completions/lam-train.fish"
"$place/lam-train" --quiet man "$place/man/man1" > /dev/null

bytes=$(stat -c %s "$place/lam-train")
[ "$bytes" -le "$most_bytes" ] || echo "warning: the binary has $bytes bytes, more than $most_bytes" >&2
moment=$(git log -1 --format=%ct 2> /dev/null || stat -c %Y "$binary")
tar -C "$work" --sort=name --mtime="@$moment" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - "$name" |
  gzip -9 -n > "$out/$name.tar.gz.part"
mv "$out/$name.tar.gz.part" "$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "$out/$name.tar.gz: $(stat -c %s "$out/$name.tar.gz") bytes, the binary in it $bytes"
needs=$(objdump -T "$place/lam-train" 2> /dev/null | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 || true)
[ -z "$needs" ] || echo "it runs where glibc is ${needs#GLIBC_} or later"
