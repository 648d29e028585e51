#!/usr/bin/env bash
# Makes an archive with the program for machines without Rust: target/package/lam-train-VERSION-TARGET.tar.gz and its
# SHA-256 beside it (below CARGO_TARGET_DIR where that is set). In it: the stripped binary, LICENSE and those of the
# libraries in it (THIRD-PARTY), README, shell completions, manual pages, and the configs and pipelines of the commit.
#
#     scripts/package.sh                     # builds the binary first, as small as it gets (profile `dist`)
#     scripts/package.sh --binary FILE       # takes one that was built on this machine before
#
# TARGET is what Cargo builds for: CARGO_BUILD_TARGET, else this machine. The program says itself what stands in the archive:
# one for another processor does so through the runner that Cargo has for its target (CARGO_TARGET_…_RUNNER).
#
# The same commit and the same binary make the same archive, byte for byte.
set -euo pipefail
# What the caller names is meant from where the caller stands.
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
built=${CARGO_TARGET_DIR:+$(absolute "$CARGO_TARGET_DIR")}
root=$(cd "$(dirname "$0")/.." && pwd)
built=${built:-$root/target}
out=$built/package
# Above this the archive is made all the same, and it is said.
most_bytes=45000000

binary=
while [ $# -gt 0 ]; do
  case $1 in
    --binary) binary=$(absolute "${2:?--binary needs a file}"); shift 2 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) echo "error: unknown argument $1; hint: scripts/package.sh [--binary FILE]" >&2; exit 2 ;;
  esac
done
cd "$root"
if [ -z "$binary" ]; then
  # Cargo says where it lies: that depends on the target, which may stand in its configuration, too.
  told=$(CARGO_TARGET_DIR=$built cargo build --profile dist --locked -p lam-cli --bin lam-train \
    --message-format json-render-diagnostics)
  binary=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' <<< "$told" | tail -n 1)
fi
[ -x "$binary" ] || { echo "error: $binary is no program; hint: leave --binary out to build it" >&2; exit 2; }
host=$(rustc -vV | sed -n 's/^host: //p')
# What was built for a target that was named lies in TARGET/PROFILE.
target=$(basename "$(dirname "$(dirname "$binary")")")
if ! rustc --print target-list | grep -qx -- "$target"; then
  target=$(basename "${CARGO_BUILD_TARGET:-$host}" .json)
fi
runner=CARGO_TARGET_$(tr 'a-z.-' 'A-Z__' <<< "$target")_RUNNER
read -ra runs <<< "${!runner:-}" || true
program() { "${runs[@]}" "$@"; }
version=$(program "$binary" --version | awk 'NR == 1 { print $2 }') || version=
[ -n "$version" ] || {
  echo "error: $binary, for $target, does not run here; hint: name what runs it in $runner, such as qemu-aarch64" >&2
  exit 2
}
name=lam-train-$version-$target

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=$work/$name
mkdir -p "$place/completions" "$out"
# That of this machine may not know another's programs; the profile has stripped what Cargo has built.
strip --strip-all -o "$place/lam-train" "$binary" 2> /dev/null || cp "$binary" "$place/lam-train"
texts=(README.md configs pipelines data/readme)
if git rev-parse --verify --quiet HEAD > /dev/null 2>&1; then
  # What lies beside them without being of the commit stays here.
  git archive HEAD -- "${texts[@]}" | tar -x -C "$place"
else
  cp -r --parents "${texts[@]}" "$place/"
fi
cp crates/LICENSE "$place/"
scripts/licenses.sh > "$place/THIRD-PARTY"
program "$place/lam-train" completions bash > "$place/completions/lam-train.bash"
program "$place/lam-train" completions zsh > "$place/completions/_lam-train"
program "$place/lam-train" completions fish > "$place/completions/lam-train.fish"
program "$place/lam-train" --quiet man "$place/man/man1" > /dev/null

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
