#!/usr/bin/env bash
# The README's test command on a machine that has only Rust, a C compiler and git: a new Debian root, an empty home, no
# crates, no browser, no office, no Python. Needs root and debootstrap. Takes what this machine is told about package
# servers, proxies and certificates along, and nothing else.
#
#     scripts/test_bare.sh [--unprivileged] [PACKAGES]   # as a user who may install nothing; arguments of scripts/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
user=root
if [ "${1:-}" = --unprivileged ]; then
  user=tester
  shift
fi

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root"
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $release" | head -n 1)
debootstrap --variant=minbase --include=ca-certificates,gcc,git,libc6-dev "$release" "$root" "$mirror" > /dev/null

# Copies a file or folder to the same place in the new root, if it is here.
take_along() {
  for path in "$@"; do
    [ ! -e "$path" ] || { mkdir -p "$root$(dirname "$path")" && rm -rf "${root:?}$path" && cp -rLT "$path" "$root$path"; }
  done
}
take_along /etc/apt /etc/hosts /etc/pip.conf /etc/resolv.conf /etc/ssl/certs

home=/root
[ "$user" = root ] || { chroot "$root" useradd --create-home "$user" && home=/home/$user; }
for config in .cargo/config.toml .config/pip/pip.conf; do
  [ ! -e "$HOME/$config" ] || install -D "$HOME/$config" "$root$home/$config"
done
git clone --quiet --no-hardlinks . "$root$home/lam-train"
chroot "$root" chown -R "$user" "$home"

settings=(HOME="$home" PATH="/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin")
while read -r name; do
  settings+=("$name=${!name}")
done < <(compgen -e | grep -iE '_proxy$|cert|ca_?(info|bundle)|^pip_|^cargo_(http|net|regist|source)')

# Mounts of a namespace of its own go with it.
mkdir "$root/opt/rust"
rust=$(rustc --print sysroot)
export root user rust
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child bash -euc '
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount --bind -o ro "$rust" "$root/opt/rust"
  exec chroot --userspec="$user" "$root" env -i "$@"
' bash "${settings[@]}" bash -c 'cd ~/lam-train && scripts/test.sh "$@"' bash "$@"
