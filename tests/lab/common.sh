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

# The mirror from which this machine's own Debian packages come.
apt_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

# debootstrap asks the environment for a proxy, apt its configuration.
use_apt_proxy() {
  local proxy=
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [[ -n $proxy && $proxy != DIRECT ]]; then
    export http_proxy=$proxy
  fi
}

# The mirror for debootstrap.
lab_mirror() {
  local mirror=${OCI_CNB_LAB_MIRROR:-$(apt_mirror)}
  [[ -n $mirror ]] || die "apt knows no Debian mirror; set OCI_CNB_LAB_MIRROR"
  echo "$mirror"
}
