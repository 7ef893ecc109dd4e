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

# make_tree NAME KEY WHAT MAKER: prints the tree NAME-KEY, which MAKER DIR MIRROR makes where it is absent; others of
# this NAME go then. In MAKER errexit is off: it returns at a failure. A tree that is there needs neither root nor
# a mirror.
make_tree() {
  local name=$lab_dir/tree/$1 tree=$lab_dir/tree/$1-$2 what=$3 maker=$4 mirror
  if [[ ! -e $tree/.complete ]]; then
    need_root
    command -v debootstrap >/dev/null || die "debootstrap is missing; run tests/lab/install.sh"
    mkdir -p "$lab_dir/tree"
    exec 9>"$name.lock"
    flock 9
  fi
  if [[ ! -e $tree/.complete ]]; then
    mirror=$(lab_mirror)
    use_apt_proxy
    rm -rf --one-file-system "$name.new" "$name"-*
    echo "making $what" >&2
    "$maker" "$name.new" "$mirror" >"$name.log" 2>&1 || {
      tail -n 20 "$name.log" >&2 || true
      tail -n 20 "$name.new/debootstrap/debootstrap.log" >&2 2>/dev/null || true
      die "debootstrap for $1 from apt's own mirror failed"
    }
    : >"$name.new/.complete"
    mv "$name.new" "$tree"
  fi
  echo "$tree"
}
