#!/usr/bin/env bash
# Installs what the real environments need, and fetches what tests and configurations use beyond this repository: Debian
# packages, MiniWoB++'s pages, help pages, the compiler of CUDA kernels. Does nothing where all of it is there. Goes on
# after a part that cannot be had. Ends with 1 if there was one, with 3 if packages may not be installed here at all.
set -euo pipefail
cd "$(dirname "$0")/.."

# The web: a browser and its driver; pip fetches the pages.
web=(chromium chromium-driver fonts-liberation)
python3 -m pip --version > /dev/null 2>&1 || web+=(python3-pip)
# Both: what confines them.
confinement=(bubblewrap)
# Desktops: LibreOffice Writer, a text editor, a calculator, and what a private desktop is made of.
desktop=(libreoffice-writer libreoffice-gtk3 xvfb at-spi2-core dbus dbus-x11 mousepad galculator)
# The emulation of a CUDA device: any C++ compiler.
emulation=()
command -v c++ > /dev/null || emulation=(g++)

is_installed() {
  dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null | grep -qx installed
}

# Packages without those that are there, in `missing`.
find_missing() {
  missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
}

# Root, or sudo that asks for no password: nobody may be there to answer.
may_install() {
  command -v apt-get > /dev/null || return 1
  [ "$(id -u)" = 0 ] || { sudo=(sudo -n) && sudo -n true 2> /dev/null; }
}

# apt keeps its archives in a folder of its own, so that another apt run cannot take them away.
install() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dir::Cache::archives="$archives" \
    -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root "$@" > /dev/null
}

code=0
sudo=()
find_missing "${web[@]}" "${confinement[@]}" "${desktop[@]}" "${emulation[@]}"
if [ ${#missing[@]} -gt 0 ]; then
  if may_install; then
    archives=$(mktemp -d)
    trap 'rm -rf "$archives"' EXIT
    mkdir "$archives/partial"
    install update || code=1
    for group in "${confinement[*]}" "${web[*]}" "${desktop[*]}" "${emulation[*]}"; do
      # The groups are lists of words.
      # shellcheck disable=SC2086
      find_missing $group
      [ ${#missing[@]} = 0 ] || install install --yes --no-install-recommends "${missing[@]}" || code=1
    done
  else
    echo "not installed, for want of apt, of root's rights, or of sudo without a password: ${missing[*]}" >&2
    code=3
  fi
fi

for fetch in scripts/fetch_miniwob.sh scripts/fetch_help.sh "scripts/fetch_cuda.sh --nvrtc"; do
  # A script with its arguments.
  # shellcheck disable=SC2086
  $fetch && continue
  echo "$fetch failed" >&2
  [ "$code" = 3 ] || code=1
done
exit "$code"
