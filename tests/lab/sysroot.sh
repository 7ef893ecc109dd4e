#!/bin/bash
# Makes a tree of Debian's headers and static libraries for another architecture, once, and prints its
# path. Only unpacked: nothing of it runs while it is made.
#
#   tests/lab/sysroot.sh ARCH          for example arm64
#
# OCI_CNB_LAB_DIR, OCI_CNB_LAB_MIRROR: as for tests/lab/tree.sh
set -euo pipefail
# shellcheck source=tests/lab/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"

# What tests/lab/install.sh has for the build, but for the tools.
packages=(
  libc6-dev libstdc++-12-dev
  nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libboost-dev libboost-filesystem-dev zlib1g-dev libprotobuf-dev libgtest-dev libseccomp-dev
)
readonly suite=bookworm

arch=${1:-}
[[ $arch =~ ^[a-z0-9]+$ ]] || die "usage: tests/lab/sysroot.sh ARCH"
key=$(printf '%s\n' "$suite" "${packages[@]}" | sort | sha256sum | cut -c1-8)
tree=$lab_dir/tree/sysroot-$arch-$key

make_sysroot() {
  local mirror=$1 new=$2 package
  debootstrap --foreign --arch="$arch" --variant=minbase \
    --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$new" "$mirror"
  for package in "$new"/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$new"
  done
  rm -rf "$new"/var/cache/apt/archives/*.deb "$new/debootstrap"
}

if [[ ! -e $tree/.complete ]]; then
  need_root
  command -v debootstrap >/dev/null || die "debootstrap is missing; run tests/lab/install.sh"
  mkdir -p "$lab_dir/tree"
  exec 9>"$lab_dir/tree/sysroot-$arch.lock"
  flock 9
fi
if [[ ! -e $tree/.complete ]]; then
  mirror=$(lab_mirror)
  use_apt_proxy
  rm -rf --one-file-system "$lab_dir/tree/sysroot-$arch".new "$lab_dir/tree/sysroot-$arch"-*
  new=$lab_dir/tree/sysroot-$arch.new
  echo "unpacking Debian's $arch libraries (half a minute, once)" >&2
  make_sysroot "$mirror" "$new" >"$lab_dir/tree/sysroot-$arch.log" 2>&1 || {
    tail -n 20 "$lab_dir/tree/sysroot-$arch.log" >&2
    die "debootstrap of $suite for $arch from apt's own mirror failed"
  }
  : >"$new/.complete"
  mv "$new" "$tree"
fi
echo "$tree"
