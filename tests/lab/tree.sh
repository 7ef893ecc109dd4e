#!/bin/bash
# Makes a Debian tree with the engines of that suite, once, and prints its path.
#
#   tests/lab/tree.sh SUITE          for example trixie
#
# OCI_CNB_LAB_DIR     where the tree is kept (see tests/lab/common.sh)
# OCI_CNB_LAB_MIRROR  the Debian mirror; else the one that this machine's apt uses
set -euo pipefail
# shellcheck source=tests/lab/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"

packages=(
  podman crun runc buildah conmon fuse-overlayfs uidmap passt iproute2 catatonit
  busybox-static python3-pytest util-linux attr acl procps mount strace
  containerd docker.io docker-cli kubernetes-client python3-grpcio python3-protobuf
)

# bootstrap DIR MIRROR: apt takes over as soon as it can: debootstrap knows no virtual packages.
bootstrap() {
  debootstrap --variant=minbase "$suite" "$1" "$2" || return
  # shellcheck disable=SC2016  # expanded by the inner shell
  DEBIAN_FRONTEND=noninteractive unshare --mount --propagation private -- "$BASH" -euc '
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/run"
    printf "#!/bin/sh\nexit 101\n" >"$0/usr/sbin/policy-rc.d"  # no service is started in a tree
    chmod 755 "$0/usr/sbin/policy-rc.d"
    # A mirror may be weeks behind sid, whose lists expire within one.
    chroot "$0" apt-get update -q -o Acquire::Check-Valid-Until=false
    chroot "$0" apt-get install -y -q --no-install-recommends "$@"
    rm "$0/usr/sbin/policy-rc.d"' "$1" "${packages[@]}" || return
  rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}

suite=${1:-}
[[ $suite =~ ^[a-z]+$ ]] || die "usage: tests/lab/tree.sh SUITE"
# A changed list of packages is another tree.
key=$(printf '%s\n' "${packages[@]}" | sort | sha256sum | cut -c1-8)
make_tree "$suite" "$key" "a Debian $suite tree with its engines (about a minute, once)" bootstrap
