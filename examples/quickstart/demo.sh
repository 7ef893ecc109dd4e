#!/bin/bash
# One container over a source tree, and what became of both. Called by quickstart.sh.
#
#   demo.sh --probe                          exit 0 if podman can run containers here
#   demo.sh STAGE SOURCE [COMMAND...]        STAGE has the installed hooks; "/" is the system
set -euo pipefail

readonly image=localhost/oci-cnb-quickstart
readonly name=oci-cnb-quickstart-$$
work=$(mktemp -d)
cleanup() {
  podman rm --force --time 0 "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

bold='' plain=''
if [[ -t 1 ]]; then
  bold=$'\033[1m' plain=$'\033[0m'
fi
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# An image of busybox alone: no registry is asked.
make_image() {
  local applet root=$work/image
  mkdir -p "$root"/{bin,etc,proc,sys,dev,root}
  install -d -m 1777 "$root/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  tar -C "$root" -c . | podman import --quiet - "$image" >/dev/null
}

# Every name, type, mode, owner, size, time of change and link target; no write goes unseen.
fingerprint() {
  find "$1" -printf '%P\0%y %m %U %G %s %T@ %C@ %l\0' | LC_ALL=C sort -z | sha256sum | cut -c1-32
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

# Indented, the first lines only.
excerpt() {
  awk -v most="$1" '
    NR <= most { print "  " $0 }
    END {
      if (NR == 0) print "  nothing"
      if (NR > most) print "  … and " NR - most " more"
    }'
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
hooks=()
if [[ $stage != / ]]; then
  while IFS= read -r directory; do
    hooks+=(--hooks-dir "$directory")
  done < <(find "$stage" -name '*.json' -path '*hooks*' -printf '%h\n' | sort -u)
  PATH=$stage/bin:$PATH
fi
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

title "The source"
after=$(fingerprint "$source")
echo "  before $before"
echo "  after  $after"
if [[ $before != "$after" ]]; then
  echo "  CHANGED, which must never happen" >&2
  exit 1
fi
echo "  unchanged: names, modes, owners, sizes, times, contents"
podman rmi "$image" >/dev/null 2>&1 || true
