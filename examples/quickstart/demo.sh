#!/bin/bash
# One container over a source tree, and what became of both. Called by quickstart.sh.
#
#   demo.sh --probe                          exit 0 if podman can run containers here
#   demo.sh STAGE SOURCE [COMMAND...]        STAGE has the installed hooks; "/" is the system
set -euo pipefail
# shellcheck source=examples/common.sh
. "$(dirname "$(readlink -f "$0")")/../common.sh"

readonly image=localhost/oci-cnb-quickstart
readonly name=oci-cnb-quickstart-$$
work=$(mktemp -d)
cleanup() {
  podman rm --force --time 0 "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# An image of busybox alone: no registry is asked.
make_image() {
  make_root "$work/image"
  tar -C "$work/image" -c . | podman import --quiet - "$image" >/dev/null
}

# Where the hooks keep what containers write.
sessions() {
  if [[ $(id -u) -eq 0 ]]; then
    echo /var/lib/oci-cnb-hooks/sessions
  else
    echo "$HOME/.local/share/oci-cnb-hooks/sessions"
  fi
}

# Whether the container saw this path of the source.
seen() {
  local mask
  [[ -e $source/$1 || -L $source/$1 ]] || return 1
  while IFS= read -r mask; do
    [[ $1/ != "${mask%/}"/* ]] || return 1
  done <"$work/masks"
}

# changes UPPER: what an upper directory says, like `git status --short`. A character device marks
# what was deleted.
changes() {
  local type path
  (cd "$1" && find . -mindepth 1 -printf '%y %P\n' | LC_ALL=C sort -k 2) |
    while read -r type path; do
      case $type in
        c) echo "D $path" ;;
        d) seen "$path" || echo "A $path/" ;;
        *) if seen "$path"; then echo "M $path"; else echo "A $path"; fi ;;
      esac
    done
}

if [[ ${1:-} == --probe ]]; then
  make_image
  podman run --rm --name "$name" --network none "$image" true
  exit
fi

stage=$1 source=$2
shift 2
if [[ $# -eq 0 ]]; then
  set -- sh -c 'echo "$(find . -type f | wc -l) files in $PWD"; echo hello > written-by-quickstart'
fi
use_stage "$stage"
make_image

title "What the rules mask"
oci-cnb context masks "$source" >"$work/masks"
excerpt 12 <"$work/masks"
before=$(fingerprint "$source")

title "The container"
echo "  podman run --annotation io.cnb.hooks.role=dev -v $source:/workspace IMAGE ${*@Q}"
podman "${hooks[@]}" run --name "$name" --network none \
  --annotation io.cnb.hooks.role=dev --volume "$source:/workspace" "$image" "$@" 2>&1 |
  sed 's/^/  | /'

title "What it wrote (nothing of it is in the source)"
id=$(podman inspect --format '{{.Id}}' "$name")
for state in "$(sessions)"/*/state.json; do
  if grep -q "$id" "$state"; then
    changes "${state%/*}/upper" | excerpt 20
  fi
done
podman rm "$name" >/dev/null

# The next container begins with the source as it is; its end also collects what the first left.
title "A second container sees none of it"
podman "${hooks[@]}" run --rm --name "$name" --network none \
  --annotation io.cnb.hooks.role=dev --volume "$source:/workspace" "$image" ls -A |
  tr '\n' ' ' | sed 's/^/  | /'
echo

same_source "$source" "$before"
podman rmi "$image" >/dev/null 2>&1 || true
