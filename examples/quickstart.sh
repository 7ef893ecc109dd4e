#!/bin/bash
# From a fresh clone to a container with the Standard Container Environment, on Debian 12 or 13.
#
#   examples/quickstart.sh [--install] [DIR [COMMAND...]]
#
#   DIR        the source to mount at /workspace; without it an example project is made
#   COMMAND    what to run there, in a container that has busybox
#   --install  the hooks go into the system (/usr, /etc) instead of a private directory
#
# Installs what is missing, builds, and runs podman with one annotation. Can be run again at will.
set -euo pipefail

# shellcheck source=examples/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
readonly demo=$checkout/examples/quickstart/demo.sh

# Whether podman works as it is. Where it doesn't (hybrid cgroups, a sandbox's root without
# CAP_SYS_RESOURCE), the engine lab of the tests gives it a private view of the machine.
podman_works() {
  "$demo" --probe >/dev/null 2>&1
}

install=false
if [[ ${1:-} == --install ]]; then
  install=true
  shift
fi

"$checkout/tests/lab/install.sh" --build --engines
say packages "all there"

stage=$build/stage
if $install; then
  [[ $(id -u) -eq 0 ]] || fail "--install needs root"
  stage=/
  build_programs /usr
else
  build_programs "$stage"
fi

if [[ $# -gt 0 ]]; then
  source=$(readlink -f "$1")
  [[ -d $source ]] || fail "$1 is no directory"
  shift
  say source "$source"
else
  source=$build/project
  "$checkout/examples/quickstart/make-project.sh" "$source"
  say source "$source (an example project, made just now)"
  set -- sh build.sh
fi

if podman_works; then
  exec "$demo" "$stage" "$source" "$@"
fi
# The lab's view of the machine leaves out what is installed in it.
if $install; then
  fail "the hooks are installed, but podman can't run a container on this machine as it is"
fi
say podman "doesn't run containers here as it is; it gets a private view of the machine"
exec "$checkout/tests/lab/enter" --bind "$source" host "$demo" "$stage" "$source" "$@"
