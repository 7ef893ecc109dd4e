#!/bin/bash
# Installs the hooks in the guest of `podman machine` (macOS, Windows), from the tarball for its architecture.
#
#   setup.sh oci-cnb-hooks-VERSION-ARCH.tar.gz [MACHINE]
#
# The guest's /usr can't be written; the tarball's `install` needs /usr/local and /etc alone, which stay over
# an update. Run it again for another version. It starts nothing that isn't running.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  sed -n 's/^#   setup/usage: setup/p' "$0" >&2
  exit 2
fi
archive=$1 machine=${2:-podman-machine-default}
[[ -r $archive ]] || { echo "setup.sh: $archive: can't be read" >&2; exit 1; }

in_guest() { podman machine ssh "$machine" "$@"; }

in_guest true || { echo "setup.sh: $machine doesn't answer: podman machine start $machine" >&2; exit 1; }
room=$(in_guest mktemp -d)
trap 'in_guest rm -rf -- "$room"' EXIT
in_guest tar -xz -C "$room" --strip-components=1 <"$archive"
in_guest sudo "$room/install"
in_guest /usr/local/bin/oci-cnb doctor
