#!/bin/bash
# Unpacks Debian's kernel with its modules, once, and prints where: for tests/guest. It isn't installed.
#
#   tests/lab/kernel.sh
#
# OCI_CNB_LAB_DIR  where it is kept (see tests/lab/common.sh)
set -euo pipefail
# shellcheck source=tests/lab/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"

# The package that the architecture's own stands for, as apt's lists have it.
image_package() {
  apt-cache depends "linux-image-$(dpkg --print-architecture)" 2>/dev/null |
    awk '$1 == "Depends:" { print $2; exit }'
}

# The package's file may be gone from the mirror since the lists were fetched.
download() {
  apt-get download -q "$(image_package)" || {
    apt-get update -q
    apt-get download -q "$(image_package)"
  }
}

# unpack DIRECTORY: the image and the modules, with the lists that modprobe reads.
unpack() {
  local modules
  cd "$1"
  download
  dpkg-deb --fsys-tarfile ./*.deb | tar --extract --wildcards './boot/vmlinuz-*' './lib/modules/*'
  rm ./*.deb
  modules=$(echo lib/modules/*)
  depmod --basedir "$PWD" "${modules##*/}"
  : >.complete
}

need_root
tree=$lab_dir/kernel/unpacked
if [[ ! -e $tree/.complete ]]; then
  mkdir -p "$lab_dir/kernel"
  exec 9>"$lab_dir/kernel/lock"
  flock 9
fi
if [[ ! -e $tree/.complete ]]; then
  rm -rf --one-file-system "$tree" "$tree.new"
  mkdir "$tree.new"
  (unpack "$tree.new") >"$lab_dir/kernel/log" 2>&1 || {
    tail -n 20 "$lab_dir/kernel/log" >&2
    die "Debian's kernel could not be fetched and unpacked"
  }
  mv "$tree.new" "$tree"
fi
echo "$tree"
