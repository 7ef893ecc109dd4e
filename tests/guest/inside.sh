#!/bin/bash
# The guest's first process once its root is there: mounts what is tested, runs the suite, ends the
# machine. What the host wants to know stands in /run/results, which it shares.
set -euo pipefail
checkout=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")

# The machine ends whatever happens here: nobody else would end it.
trap 'busybox reboot -f' EXIT

mount -t tmpfs -o mode=755 tmpfs /run
# A checkout below /tmp stays where it is.
if [[ $checkout == /tmp/* ]]; then
  mkdir /run/checkout
  mount --bind "$checkout" /run/checkout
fi
mount -t tmpfs -o mode=1777 tmpfs /tmp
if [[ -d /run/checkout ]]; then
  mkdir -p "$checkout"
  mount --bind /run/checkout "$checkout"
fi
mkdir -p /dev/pts /dev/shm /run/results /run/volumes/{ext4,tmpfs,virtiofs,9p}
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t 9p -o trans=virtio,version=9p2000.L results /run/results
mount -t virtiofs virtiofs /run/volumes/virtiofs
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072,cache=mmap 9p /run/volumes/9p
mount /dev/vda /run/volumes/ext4
mount -t tmpfs -o mode=755 tmpfs /run/volumes/tmpfs
for name in ext4 tmpfs; do
  mkdir -p "/run/volumes/$name/rootful/scratch"
  chmod 700 "/run/volumes/$name/rootful/scratch"
done
mkdir -p /run/volumes/ext4/tmp
export TMPDIR=/run/volumes/ext4/tmp

uname -r >/run/results/kernel
# Written to memory first: pytest's many small writes would each be a message to the host.
export HOME=/root LANG=C.UTF-8 OCI_CNB_VOLUMES=/run/volumes OCI_CNB_MACHINE=guest
cd "$checkout"
"$OCI_CNB_STAGE/bin/oci-cnb" doctor >/tmp/doctor || true
python3 -B -m pytest tests/filesystems -v --tb=short --junit-xml=/tmp/guest.xml 2>&1 |
  tee /dev/console >/tmp/guest.log || true
cp /tmp/doctor /tmp/guest.log /tmp/guest.xml /run/results/
