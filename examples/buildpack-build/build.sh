#!/bin/bash
# Builds an image with the real lifecycle of Cloud Native Buildpacks, on Debian 12 or 13.
#
#   examples/buildpack-build/build.sh                        installs what is missing, builds, shows
#   examples/buildpack-build/build.sh --show STAGE LIFECYCLE  shows, with hooks installed in STAGE
#
# CNB_LIFECYCLE_DIR  a directory with the lifecycle; else it is built from its Go module
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=examples/common.sh
. "$here/../common.sh"

readonly uid=1001 builder=localhost/oci-cnb-example-builder run=localhost/oci-cnb-example-run
readonly session=buildpack-build-$$

# --- what a build needs ---------------------------------------------------------------------------

make_project() {
  mkdir -p "$1/drafts" "$1/node_modules/dep"
  printf '.env\nnode_modules\n' >"$1/.dockerignore"
  echo "hello from a buildpack" >"$1/greeting"
  echo "unfinished" >"$1/drafts/idea"
  echo "PASSWORD=secret" >"$1/.env"
  echo "module.exports = 1" >"$1/node_modules/dep/index.js"
}

# The builder image: what a vendor of buildpacks ships.
make_builder() {
  local root=$work/builder
  make_root "$root"
  echo "cnb:x:$uid:$uid:cnb:/:/bin/sh" >>"$root/etc/passwd"
  mkdir -p "$root"/{workspace,layers,layout,platform/env} "$root/cnb/buildpacks/examples_greeter"
  cp -r "$here/buildpack" "$root/cnb/buildpacks/examples_greeter/1.0"
  cp -a "$lifecycle" "$root/cnb/lifecycle"
  printf '[[order]]\n[[order.group]]\nid = "examples/greeter"\nversion = "1.0"\n' >"$root/cnb/order.toml"
  printf '[[images]]\nimage = "localhost/run"\n' >"$root/cnb/run.toml"
  tar -C "$root" --owner=0 --group=0 -c . | podman import --quiet --change "USER=$uid:$uid" \
    --change "ENV=CNB_USER_ID=$uid" --change "ENV=CNB_GROUP_ID=$uid" - "$builder" >/dev/null
}

# The run image, in the layout directory that the lifecycle reads and writes.
make_layout() {
  make_root "$work/run"
  tar -C "$work/run" --owner=0 --group=0 -c . | podman import --quiet \
    --change ENV=PATH=/bin - "$run" >/dev/null
  mkdir -p "$1/localhost/run"
  podman push --quiet "$run" "oci:$1/localhost/run/latest"
  if [[ $(id -u) -eq 0 ]]; then
    chown -R "$uid:$uid" "$1"
  fi
}

# --- the build ------------------------------------------------------------------------------------

# phase ROLE SESSION PROGRAM [ARGUMENT]...: one container of a build; SESSION may be empty.
phase() {
  local role=$1 named=$2
  local -a options=(--annotation "io.cnb.hooks.role=$role")
  shift 2
  [[ -z $named ]] || options+=(--annotation "io.cnb.hooks.session=$named")
  # A plain user has to be the builder's user in the container.
  [[ $(id -u) -eq 0 ]] || options+=("--userns=keep-id:uid=$uid,gid=$uid")
  echo "  podman run ${options[*]} -v PROJECT:/workspace BUILDER $*"
  podman "${hooks[@]}" run --rm --network none "${options[@]}" --volume "$project:/workspace" \
    --volume "$layout:/layout" "$builder" "/cnb/lifecycle/$1" "${@:2}" 2>&1 | sed 's/^/  | /'
}

digest() { grep -o 'sha256:[0-9a-f]*' "$layout/localhost/$1/latest/index.json" | head -n 1; }

# show STAGE LIFECYCLE
show() {
  lifecycle=$2
  use_stage "$1"
  make_project "$project"
  make_builder
  make_layout "$layout"
  local before first second
  before=$(fingerprint "$project")
  local -a images=(-no-color -layout -layout-dir=/layout)

  title "The creator, in one container"
  phase build "" creator "${images[@]}" -run-image=localhost/run localhost/first
  title "The five phases, in five containers with one session"
  phase build "$session" analyzer "${images[@]}" -run-image=localhost/run localhost/second
  phase detect "$session" detector -no-color
  phase build "$session" restorer "${images[@]}"
  phase build "$session" builder -no-color
  phase build "$session" exporter "${images[@]}" localhost/second
  oci-cnb session rm "n-$session"

  title "The images"
  first=$(digest first) second=$(digest second)
  printf '  %s\n' "creator     $first" "five phases $second"
  [[ $first == "$second" ]] || fail "they differ, which must never happen"

  title "The application"
  (cd "$layout/localhost" && podman pull --quiet oci:first/latest >"$work/image")
  echo "  podman run --annotation io.cnb.hooks.role=launch IMAGE"
  podman "${hooks[@]}" run --rm --network none --annotation io.cnb.hooks.role=launch \
    "$(cat "$work/image")" | sed 's/^/  | /'
  same_source "$project" "$before"
}

clean_up() {
  if [[ -s $work/image ]]; then
    podman rmi --force "$(cat "$work/image")" >/dev/null 2>&1 || true
  fi
  podman rmi --force "$builder" "$run" >/dev/null 2>&1 || true
  rm -rf "$work"
}

if [[ ${1:-} == --show ]]; then
  work=$(mktemp -d)
  chmod 755 "$work"
  trap clean_up EXIT
  project=$work/project layout=$work/layout
  show "$2" "$3"
  exit
fi

# --- from a fresh clone ---------------------------------------------------------------------------

"$checkout/tests/lab/install.sh" --build --engines
say packages "all there"
lifecycle=$("$checkout/tests/lab/lifecycle.sh")
say lifecycle "$lifecycle"
build_programs "$build/stage"
if "$checkout/examples/quickstart/demo.sh" --probe >/dev/null 2>&1; then
  exec "$0" --show "$build/stage" "$lifecycle"
fi
say podman "doesn't run containers here as it is; it gets a private view of the machine"
exec "$checkout/tests/lab/enter" --bind "$lifecycle" host "$here/build.sh" --show "$build/stage" "$lifecycle"
