#!/bin/bash
# Each project built in a container over its source, with the host's own compilers and nothing else.
#
#   examples/projects/run.sh [PROJECT...]      node, python, rust, c; all without an argument
#
# The source is a copy in which somebody has worked: with modules, objects and logs that the project's
# .dockerignore excludes, and that would break the build. Needs oci-cnb, installed or in OCI_CNB.
set -euo pipefail
# shellcheck source=examples/common.sh
. "$(dirname "$(readlink -f "$0")")/../common.sh"

oci_cnb=${OCI_CNB:-oci-cnb}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# put FILE [TEXT]: with the directories above it.
put() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "${2:-left behind}" >"$1"
}

# What days of work leave in a directory, broken on purpose.
clutter_node() {
  put node_modules/left-pad/index.js 'throw new Error("for another platform")'
  put test/node_modules/helper/stale.test.js 'throw new Error("a stale test")'
  put dist/index.html 'yesterday'
  put npm-debug.log
  put .env 'SECRET=1'
}
clutter_python() {
  put .venv/bin/python3
  put wordcount/__pycache__/count.cpython-27.pyc
  put build/app/stale.py 'raise SystemExit("stale")'
  put data/private.csv
  put .env 'SECRET=1'
}
clutter_rust() {
  put target/release/primes 'not a program'
  put target/.rustc_info.json
  put src/main.rs.bk
}
clutter_c() {
  put main.o 'not an object'
  put greet.o 'not an object'
  put hello
  put build/cache/big
  touch -d '+1 day' main.o greet.o hello
}

build_project() {
  local name=$1 source=$work/$1 before
  cp -R "$checkout/examples/projects/$name" "$source"
  (cd "$source" && "clutter_$name")
  title "$name"
  echo "masked: $("$oci_cnb" context masks "$source" | tr '\n' ' ')"
  before=$(fingerprint "$source")
  "$oci_cnb" run "$source" -- sh build.sh 2>&1 | sed 's/^/  | /'
  same_source "$source" "$before"
}

[[ $# -gt 0 ]] || set -- node python rust c
for name in "$@"; do
  [[ -d $checkout/examples/projects/$name ]] || fail "no project $name; there are node, python, rust and c"
  build_project "$name"
done
