#!/bin/bash
# Installs the Debian packages (12 or 13) that building and testing need; quick when they are there.
#
#   tests/lab/install.sh [--build] [--engines] [--tests] [--bench]
#                                      without an option: all but --bench, the peers of benchmarks
#   tests/lab/install.sh --list [...]                        prints the names, installs nothing
set -euo pipefail

build_packages=(
  ccache cmake g++ ninja-build
  nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libboost-dev libboost-filesystem-dev zlib1g-dev
  libprotobuf-dev protobuf-compiler
)
engine_packages=(
  podman crun runc buildah conmon fuse-overlayfs uidmap slirp4netns busybox-static
  containerd docker.io
)
test_packages=(
  libgtest-dev libseccomp-dev clang clang-format clang-tidy libclang-rt-dev cppcheck gcovr
  python3 python3-pytest
  golang-github-opencontainers-specs-dev python3-jsonschema
  debootstrap groff-base patch rsync strace attr acl procps util-linux e2fsprogs
  python3-grpcio python3-protobuf python3-yaml systemd
  rpm lintian
  e2fsprogs xfsprogs btrfs-progs squashfs-tools erofs-utils bindfs  # file systems
  qemu-system-x86 cpio kmod  # the guest, besides an engine's busybox
  g++-aarch64-linux-gnu qemu-user-static binutils
  nodejs cargo rustc docker-compose  # the examples
)
bench_packages=(
  ripgrep fd-find rsync git valgrind
)
# In Debian 12 it comes with QEMU.
if [[ $(. /etc/os-release && echo "${VERSION_ID:-}") != 12 ]]; then
  test_packages+=(virtiofsd)
fi

die() { echo "tests/lab/install.sh: $*" >&2; exit 1; }

# Prints those of the given packages that dpkg doesn't know as installed.
missing() {
  local known
  known=$(dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null |
    sed -n 's/ install ok installed$//p') || true
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$known")
}

wanted=() list=false
for option in "$@"; do
  case "$option" in
    --build) wanted+=("${build_packages[@]}") ;;
    --engines) wanted+=("${engine_packages[@]}") ;;
    --tests) wanted+=("${test_packages[@]}") ;;
    --bench) wanted+=("${bench_packages[@]}") ;;
    --list) list=true ;;
    *) die "unknown option $option; known: --build --engines --tests --bench --list" ;;
  esac
done
if [[ ${#wanted[@]} -eq 0 ]]; then
  wanted=("${build_packages[@]}" "${engine_packages[@]}" "${test_packages[@]}")
fi
if $list; then
  printf '%s\n' "${wanted[@]}"
  exit
fi

mapfile -t absent < <(missing "${wanted[@]}")
[[ ${#absent[@]} -eq 0 ]] && exit
[[ $(id -u) -eq 0 ]] || die "not installed: ${absent[*]}; run this script as root"
command -v apt-get >/dev/null || die "not a Debian system; install by hand: ${absent[*]}"

echo "installing: ${absent[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
install_absent() {
  apt-get install -y -q --no-install-recommends "${absent[@]}" >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists may be absent or old: fetched only when the first try fails.
install_absent || {
  apt-get update -q >"$log" 2>&1 && install_absent
} || {
  tail -n 30 "$log" >&2
  die "apt-get failed"
}
