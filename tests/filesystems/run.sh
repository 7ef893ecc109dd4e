#!/bin/bash
# Inside the lab, as root: file systems on loop images and FUSE, then the suite as root and as the
# lab's user, at the same time.
#
#   tests/lab/enter host tests/filesystems/run.sh RESULTS
set -euo pipefail

results=$1
volumes=$TMPDIR/volumes staged=$TMPDIR/staged user=cnblab
checkout=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
readonly results volumes staged user checkout

# With their loop devices, also when something fails; what the lab's end takes away is only the rest.
unmount_all() {
  local name
  for name in overlay fuse erofs squashfs btrfs xfs ext4 tmpfs; do
    ! mountpoint -q "$volumes/$name" || umount "$volumes/$name" || umount --lazy "$volumes/$name"
  done
}
trap unmount_all EXIT

# image NAME SIZE COMMAND...: a sparse file, formatted and mounted.
image() {
  local name=$1 size=$2
  shift 2
  truncate --size "$size" "$staged/$name.img"
  "$@" "$staged/$name.img"
  mount -o loop "$staged/$name.img" "$volumes/$name"
  chmod 755 "$volumes/$name"
}

# trees DIR: for each kind of test a directory with a source and a place for scratch.
trees() {
  python3 -B "$checkout/tests/filesystems/trees.py" "$1" "$(id -u "$user")" "$(id -g "$user")"
}

mkdir -p "$volumes"/{ext4,xfs,btrfs,tmpfs,squashfs,erofs,fuse,overlay} "$staged"/{packed,fuse,lower,upper,work}
chmod 755 "$volumes" "$staged" "$staged"/*/
{
  image ext4 64M mkfs.ext4 -q
  image xfs 300M mkfs.xfs -q
  image btrfs 128M mkfs.btrfs --quiet
  mount -t tmpfs -o mode=755 tmpfs "$volumes/tmpfs"
  trees "$staged/packed"
  mksquashfs "$staged/packed" "$staged/squashfs.img" -quiet -no-progress
  mount -o loop "$staged/squashfs.img" "$volumes/squashfs"
  mkfs.erofs --quiet "$staged/erofs.img" "$staged/packed"
  mount -o loop "$staged/erofs.img" "$volumes/erofs"
  bindfs -o allow_other "$staged/fuse" "$volumes/fuse"
  mount -t overlay overlay "$volumes/overlay" \
    -o "lowerdir=$staged/lower,upperdir=$staged/upper,workdir=$staged/work"
  for name in ext4 xfs btrfs tmpfs fuse overlay; do
    trees "$volumes/$name"
  done
} >&2

suite() {
  OCI_CNB_VOLUMES=$volumes python3 -B -m pytest "$checkout/tests/filesystems" -q --tb=short \
    --junit-xml="$results/filesystems-$1.xml"
}

status=0
suite rootful &
setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all -- \
  env HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" \
  XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" OCI_CNB_VOLUMES="$volumes" \
  python3 -B -m pytest "$checkout/tests/filesystems" -q --tb=short \
  --junit-xml="$results/filesystems-rootless.xml" || status=$?
wait $! || status=$?
exit "$status"
