# Shared by the examples; sourced, not run.
# shellcheck shell=bash

checkout=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/..")
readonly checkout
readonly build=$checkout/build/quickstart

say() { printf '\033[1m%-9s\033[0m %s\n' "$1" "$2"; }
[[ -t 1 ]] || say() { printf '%-9s %s\n' "$1" "$2"; }

fail() {
  echo "${0##*/}: $1" >&2
  [[ -z ${2:-} ]] || tail -n 30 "$2" >&2
  exit 1
}

bold='' plain=''
if [[ -t 1 ]]; then
  bold=$'\033[1m' plain=$'\033[0m'
fi
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# build_programs PREFIX
build_programs() {
  local prefix=$1 log=$build.log start=$SECONDS
  local -a launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  mkdir -p "$checkout/build"
  {
    cmake -S "$checkout" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOCI_CNB_TESTS=OFF \
      -DCMAKE_INSTALL_PREFIX="$prefix" "${launcher[@]}" && cmake --build "$build" &&
      cmake --install "$build"
  } >"$log" 2>&1 || fail "the build failed, see $log" "$log"
  say build "done in $((SECONDS - start)) s"
}

# make_root DIR: a root file system of busybox alone, so that no registry is asked.
make_root() {
  local applet
  mkdir -p "$1"/{bin,etc,proc,sys,dev,root}
  install -d -m 1777 "$1/tmp"
  cp "$(command -v busybox)" "$1/bin/busybox"
  for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -s busybox "$1/bin/$applet"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
}

# use_stage STAGE: podman's options for the hooks installed there, in the array hooks; "/" is the system.
use_stage() {
  local directory
  hooks=()
  [[ $1 != / ]] || return 0
  while IFS= read -r directory; do
    hooks+=(--hooks-dir "$directory")
  done < <(find "$1" -name '*.json' -path '*hooks*' -printf '%h\n' | sort -u)
  PATH=$1/bin:$PATH
}

# Every name, type, mode, owner, size, time of change and link target; no write goes unseen.
fingerprint() {
  find "$1" -printf '%P\0%y %m %U %G %s %T@ %C@ %l\0' | LC_ALL=C sort -z | sha256sum | cut -c1-32
}

# same_source DIR BEFORE
same_source() {
  local after
  title "The source"
  after=$(fingerprint "$1")
  echo "  before $2"
  echo "  after  $after"
  if [[ $2 != "$after" ]]; then
    echo "  CHANGED, which must never happen" >&2
    return 1
  fi
  echo "  unchanged: names, modes, owners, sizes, times, contents"
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
