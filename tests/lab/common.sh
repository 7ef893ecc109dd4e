# Shared by the scripts of tests/lab; sourced, not run.
# shellcheck shell=bash

# Trees and the private storage of each `enter`. Must be on a file system that can hold the upper
# of an overlay: ext4, xfs, btrfs or tmpfs, not itself an overlay.
default_cache=/var/cache
if [[ $(id -u) -ne 0 ]]; then
  default_cache=$HOME/.cache
fi
# shellcheck disable=SC2034  # used by the scripts that source this
lab_dir=${OCI_CNB_LAB_DIR:-${XDG_CACHE_HOME:-$default_cache}/oci-cnb-lab}

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

need_root() {
  [[ $(id -u) -eq 0 ]] || die "needs root: mount namespaces, cgroups, several users"
}
