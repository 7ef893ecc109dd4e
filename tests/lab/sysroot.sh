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

# make_sysroot DIR MIRROR
make_sysroot() {
  local new=$1 mirror=$2 package
  debootstrap --foreign --arch="$arch" --variant=minbase \
    --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$new" "$mirror" || return
  for package in "$new"/var/cache/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$new" || return
  done
  rm -rf "$new"/var/cache/apt/archives/*.deb "$new/debootstrap"
}

make_tree "sysroot-$arch" "$key" "a tree of Debian's $arch libraries (half a minute, once)" make_sysroot
