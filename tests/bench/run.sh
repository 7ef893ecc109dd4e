#!/bin/bash
# Benchmarks: each row is ours against a peer in the same run, medians, and the bar of the ratio.
#
#   tests/bench/run.sh [--quick | --large | --profile] [--ways] [--build DIR] [--json FILE]
#
#   --quick   small trees and few runs, under a minute: shows that everything runs
#   --profile only the mount hook in a loop, for perf(1) and ftrace to watch
#   --large   the ignore engine on 500,000 and 1,000,000 entries too, and with the machine's caches
#             dropped before each run: half an hour
#   --ways    only the ways to a workspace, against each other and against copies
#   --build   a configured build directory (default build/release); its programs are built first
#   --json    the numbers, the machine and the command in a file, too: plot.py draws from it
#
# Pods, and the NRI plugin's handler and memory, have a command of their own, kubernetes_bench.py.
#
# A missed bar is printed, never a failure; a program that doesn't do its work is one.
# Needs root: the containers and their scratch live in a private view (tests/lab/enter), on a fresh
# ext4 in an image file, so that no other work on the disk is measured and nothing is left of it.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
readonly here checkout
readonly programs=(oci-cnb oci-cnb-precreate oci-cnb-createruntime oci-cnb-poststop oci-cnb-fuse
  oci-cnb-runtime empty_program raw_walk hook_bench ways_bench ignore_bench ignore_share)
readonly config=$checkout/tests/unit/environment/samples/podman-rootful-plain.json

die() {
  echo "tests/bench/run.sh: $*" >&2
  exit 1
}

# --- inside the lab -------------------------------------------------------------------------------

# make_disk MOUNT_OPTIONS MKFS...: a file system of this run alone, for trees, scratch and the engine's
# storage.
make_disk() {
  local options=$1 disk=$TMPDIR/disk
  shift
  truncate -s 16G "$disk.img"
  "$@" "$disk.img"
  mkdir "$disk"
  mount -o "loop$options" "$disk.img" "$disk"
  mkdir "$disk/tmp" "$disk/store" "$disk/containers"
  chmod 700 "$disk/store"
  mount --bind "$disk/store" /var/lib/oci-cnb-hooks
  mount --bind "$disk/containers" /var/lib/containers
  export TMPDIR=$disk/tmp
}

# The ignore engine without a hook around it: engine_alone SCALE DIRECTORY_OF_PROGRAMS.
engine_alone() {
  local scale=$1 bench=$2/ignore_bench
  printf '\nthe ignore engine alone:\n'
  case "$scale" in
    --quick) "$bench" --dir "$TMPDIR" --runs 3 500 5000 ;;
    *) "$bench" --dir "$TMPDIR" --runs 5 500 50000 ;;
  esac
  if [[ $scale == --large ]]; then
    "$bench" --dir "$TMPDIR" --runs 5 500000 1000000
    printf '\nwith cold caches:\n'
    "$bench" --dir "$TMPDIR" --runs 3 --cold 50000 500000
  fi
  printf '\n'
  [[ $scale == --quick ]] || "$2/ignore_share"
  instructions "$bench"
}

# Instructions of one walk, without those of a process that walks an empty directory: the same on a
# noisy machine. The tree lies on a tmpfs, which lists names in the same order every time.
instructions() {
  local tree=/dev/shm/instructions rules=$TMPDIR/rules walk start
  if ! command -v valgrind >/dev/null; then
    echo "instructions: valgrind is not installed (tests/lab/install.sh --bench)"
    return
  fi
  mkdir -p "$tree/empty"
  "$1" --make "$tree/tree" 5000
  printf '%s\n' .git '**/node_modules' '**/target' '**/*.log' '!packages/p0/**/*.log' >"$rules"
  walk=$(count_instructions "$1" --walk "$tree/tree" "$rules" 1)
  start=$(count_instructions "$1" --walk "$tree/empty" "$rules" 1)
  rm -rf "$tree"
  echo "instructions of a walk over 5,000 entries (callgrind): $((walk - start))"
}

count_instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null |
    sed -n 's/.*Collected : *//p'
}

# Copies of the programs, as an installation makes them: what a linker has written lies in the page
# cache in small pieces, and takes an eighth longer to start.
copy_programs() {
  local build=$1 target=$2 program
  mkdir -p "$target/bin" "$target/tests/bench"
  for program in "${programs[@]}"; do
    for directory in bin tests/bench; do
      [[ ! -f $build/$directory/$program ]] || cp "$build/$directory/$program" "$target/$directory/"
    done
  done
}

inside_hooks() {
  local scale=$1 build=$2 hooks=$1
  [[ $scale != --large ]] || hooks=--full
  make_disk ,noinit_itable mkfs.ext4 -q -F -N 2500000 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard
  copy_programs "$build" "$TMPDIR/programs"
  "$build/tests/bench/hook_bench" "$hooks" "$TMPDIR/programs" "$config"
  [[ $scale != --profile ]] || return 0
  if command -v podman >/dev/null && command -v crun >/dev/null; then
    python3 -B "$here/podman_bench.py" "$hooks" "$TMPDIR/programs/bin"
    python3 -B "$here/session_bench.py" "$hooks" "$TMPDIR/programs/bin"
  else
    printf 'note\tpodman and crun are not installed: their rows are missing\n'
  fi
  python3 -B "$here/runtime_bench.py" "$hooks" "$TMPDIR/programs/bin"
  if [[ -x $build/tests/bench/ignore_bench ]]; then
    engine_alone "$scale" "$build/tests/bench" | sed 's/^/note\t/'
  fi
}

# On XFS, where files can share their blocks.
inside_ways() {
  local scale=$1 build=$2
  [[ $scale != --large ]] || scale=--full
  make_disk '' mkfs.xfs -q -K
  copy_programs "$build" "$TMPDIR/programs"
  "$build/tests/bench/ways_bench" "$scale" "$TMPDIR/programs" "$config"
}

# --- outside --------------------------------------------------------------------------------------

# Lines "row FIELD..." and "note TEXT", separated by tabs, as one table with the notes below it.
table() {
  awk -F '\t' -v OFS='\t' '
    BEGIN { print "row", "ours", "peer", "ratio", "bar", "" }
    $1 == "row" { print $2, $3, $4, $5, $6, $7 }' "$1" | column -t -s $'\t' -R 2,3,4
  echo
  sed -n 's/^note\t//p' "$1"
}

# in_lab BUILD hooks|ways SCALE
in_lab() {
  "$checkout/tests/lab/enter" --bind "$1" host "$here/run.sh" --inside "$2" "$3" "$1"
}

main() {
  local scale=--full what=all build=$checkout/build/release json='' results
  local -r command="tests/bench/run.sh $*"
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --quick | --large | --profile) scale=$1 ;;
      --ways) what=ways ;;
      --build) build=$(readlink -f "${2:?--build needs a directory}"); shift ;;
      --json) json=${2:?--json needs a file}; shift ;;
      *) die "unknown option $1; known: --quick --large --profile --ways --build DIR --json FILE" ;;
    esac
    shift
  done
  [[ $(id -u) -eq 0 ]] || die "needs root, for mount namespaces"
  [[ -d $build ]] || die "no build in $build: cmake --preset release"
  "$checkout/tests/lab/install.sh" --engines --bench
  cmake --build "$build" --target "${programs[@]}" >&2
  results=$(mktemp)
  # shellcheck disable=SC2064  # the name of now is meant
  trap "rm -f '$results'" EXIT
  {
    [[ $what == ways ]] || in_lab "$build" hooks "$scale"
    [[ $scale == --profile ]] || in_lab "$build" ways "$scale"
  } | tee "$results" >&2
  table "$results"
  [[ -z $json ]] || python3 "$here/results.py" "${command/ --json $json/}" <"$results" >"$json"
}

if [[ ${1:-} == --inside ]]; then
  "inside_$2" "${@:3}"
else
  main "$@"
fi
