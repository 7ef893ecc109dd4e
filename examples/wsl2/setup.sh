#!/bin/bash
# Installs podman and the hooks in a Debian or Ubuntu of WSL2, and says where the project should lie.
#
#   setup.sh PACKAGE.deb [PROJECT]
#
# PROJECT (default: the current directory) is only looked at. Run it in the distribution.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  sed -n 's/^#   setup/usage: setup/p' "$0" >&2
  exit 2
fi
package=$(readlink -f "$1") project=$(readlink -f "${2:-.}")
[[ -r $package ]] || { echo "setup.sh: $1: can't be read" >&2; exit 1; }

# WSL1 translates system calls, and has neither namespaces nor overlays.
if ! grep -q microsoft-standard-WSL2 /proc/version; then
  echo "setup.sh: this isn't WSL2; in PowerShell: wsl --set-version DISTRIBUTION 2" >&2
  exit 1
fi

sudo apt-get update
sudo apt-get install -y --no-install-recommends podman crun uidmap slirp4netns fuse-overlayfs "$package"

case $(stat --file-system --format=%T "$project") in
  v9fs | 9p)
    echo "$project is a drive of Windows. It serves as a source, slowly; what to know is in README.md."
    echo "Better: cp -r '$project' ~/src/ and work there."
    ;;
  *) echo "$project lies in Linux: fine." ;;
esac
oci-cnb doctor
