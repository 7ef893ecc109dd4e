#!/bin/bash
# Builds the CNB lifecycle from its Go module, once, and prints its directory: what a builder image has in
# /cnb/lifecycle.
#
#   tests/lab/lifecycle.sh
#
# CNB_LIFECYCLE_DIR  a lifecycle that is there already; used as it is
# OCI_CNB_LAB_DIR    where the built one is kept (see tests/lab/common.sh)
#
# Static, of a fixed version; Go checks the sums of the module and of all that it needs. Without the phase
# `extend`: it runs Dockerfiles by a copy of kaniko, which nothing here does and not every proxy serves.
set -euo pipefail
# shellcheck source=tests/lab/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"

readonly version=0.21.17
readonly module=github.com/buildpacks/lifecycle
readonly phases=(analyzer detector restorer builder exporter creator)

if [[ -n ${CNB_LIFECYCLE_DIR:-} ]]; then
  for program in "${phases[@]}" launcher lifecycle.toml; do
    [[ -e $CNB_LIFECYCLE_DIR/$program ]] || die "CNB_LIFECYCLE_DIR: no $program in $CNB_LIFECYCLE_DIR"
  done
  readlink -f "$CNB_LIFECYCLE_DIR"
  exit
fi

# A changed recipe is another directory.
key=$(sha256sum "$(readlink -f "$0")" | cut -c1-8)
directory=$lab_dir/lifecycle/$version-$key
if [[ -e $directory/lifecycle.toml ]]; then
  echo "$directory"
  exit
fi

# without_extender SOURCE: `extend` says that it isn't there.
without_extender() {
  cat >"$1/cmd/lifecycle/extender.go" <<'GO'
package main

import (
	"errors"

	"github.com/buildpacks/lifecycle/platform"
)

type extendCmd struct{ *platform.Platform }

func (e *extendCmd) DefineFlags()             {}
func (e *extendCmd) Args(int, []string) error { return nil }
func (e *extendCmd) Privileges() error        { return nil }
func (e *extendCmd) Exec() error              { return errors.New("built without extend") }
GO
}

# fetch SOURCE: a copy of the module that may be changed.
fetch() {
  local cached
  cached=$(go mod download -json "$module@v$version" | sed -n 's/^\s*"Dir": "\(.*\)",\?$/\1/p')
  [[ -d $cached ]] && cp -R "$cached" "$1" && chmod -R u+w "$1"
}

# build SOURCE NEW
build() {
  fetch "$1" && without_extender "$1" && (cd "$1" && CGO_ENABLED=0 go build -trimpath \
    -buildvcs=false -ldflags "-s -w -X $module/cmd.Version=$version" -o "$2/" \
    ./cmd/lifecycle ./cmd/launcher)
}

command -v go >/dev/null ||
  die "needs Go to build the CNB lifecycle; install it, or set CNB_LIFECYCLE_DIR to a lifecycle's directory"
mkdir -p "$lab_dir/lifecycle"
exec 9>"$lab_dir/lifecycle.lock"
flock 9
if [[ ! -e $directory/lifecycle.toml ]]; then
  rm -rf --one-file-system "$lab_dir"/lifecycle/*
  new=$lab_dir/lifecycle/new source=$lab_dir/lifecycle/source
  mkdir -p "$new"
  echo "building the CNB lifecycle $version (some minutes, once)" >&2
  build "$source" "$new" >"$lab_dir/lifecycle.log" 2>&1 || {
    tail -n 20 "$lab_dir/lifecycle.log" >&2
    die "the CNB lifecycle could not be built"
  }
  # One program that knows its phase by its name.
  for phase in "${phases[@]}"; do
    ln -s lifecycle "$new/$phase"
  done
  printf '[lifecycle]\nversion = "%s"\n' "$version" >"$new/lifecycle.toml"
  rm -rf --one-file-system "$source"
  mv "$new" "$directory"
fi
echo "$directory"
