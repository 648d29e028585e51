#!/usr/bin/env bash
# Fetches the help of LibreOffice and of GNOME in English: Debian's packages, unpacked into data/cache/help and not
# installed, so that neither application comes with them. Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

help=data/cache/help
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

fetch() { # package, folders in it
  local package=$1
  shift
  [ -e "$help/$package" ] && return
  mkdir -p "$help"
  work=$(mktemp -d "$help/.$package.XXXX")
  if ! (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" 2> /dev/null); then
    local sudo
    sudo=$([ "$(id -u)" = 0 ] || echo sudo -n)
    $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package")
  fi
  mkdir "$work/unpacked"
  dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work/unpacked" "$@" "./usr/share/doc/$package"
  mv "$work/unpacked" "$help/$package"
  rm -rf "$work"
}

fetch libreoffice-help-en-us ./usr/share/libreoffice/help/en-US/text
fetch gnome-user-docs ./usr/share/help/C
