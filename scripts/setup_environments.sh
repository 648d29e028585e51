#!/usr/bin/env bash
# Installs what the real environments need, and fetches what tests and configurations use beyond this repository: Debian
# packages, MiniWoB++'s pages, help pages. Does nothing where all of it is there. apt keeps its archives in a folder of
# its own, so that another apt run cannot take them away.
set -euo pipefail
cd "$(dirname "$0")/.."

# The web: a browser and its driver.
web=(chromium chromium-driver fonts-liberation)
# Desktops: LibreOffice Writer, a text editor, a calculator, and what a private desktop is made of.
desktop=(libreoffice-writer libreoffice-gtk3 xvfb at-spi2-core dbus dbus-x11 mousepad galculator)

missing=()
for package in "${web[@]}" "${desktop[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || command -v sudo || true)
  archives=$(mktemp -d)
  trap 'rm -rf "$archives"' EXIT
  mkdir -p "$archives/partial"
  export DEBIAN_FRONTEND=noninteractive
  apt=($sudo apt-get -qq -o Dir::Cache::archives="$archives" -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)
  "${apt[@]}" update
  "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" > /dev/null
fi

scripts/fetch_miniwob.sh
# Documentation: the help pages that phase 1 reads.
scripts/fetch_help.sh
