#!/bin/sh
# The initramfs's only process: makes a root out of the machine's own, which the host shares read-only,
# and memory, then starts inside.sh in it. The kernel's command line gives CHECKOUT, its path there.
set -eu
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t tmpfs -o mode=755 tmpfs /memory
mkdir -m 755 /memory/upper /memory/work
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower
mount -t overlay overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work /top
for name in proc sys dev; do
  mkdir -p "/top/$name"
  mount -o move "/$name" "/top/$name"
done
exec switch_root /top /bin/bash "$CHECKOUT/tests/guest/inside.sh"
