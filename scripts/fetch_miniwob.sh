#!/usr/bin/env bash
# Fetches MiniWoB++'s pages (MIT: OpenAI, Stanford, Farama) from PyPI into data/cache/miniwob, licence included.
# Nothing of it is part of this project or its history. Does nothing where the pages are.
set -euo pipefail
cd "$(dirname "$0")/.."
target=data/cache/miniwob
if [ -f "$target/html/miniwob/click-test.html" ]; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" miniwob==1.0
python3 -m zipfile -e "$work"/miniwob-1.0-*.whl "$work/wheel"
mkdir -p "$target"
cp "$work"/wheel/miniwob-1.0.dist-info/LICENSE "$target/LICENSE"
rm -rf "$target/html.part"
cp -r "$work/wheel/miniwob/html" "$target/html.part"
rm -rf "$target/html"
mv "$target/html.part" "$target/html"
