#!/bin/bash
# A shell over the source in the current directory, in which everything may be tried: it can be left and
# entered again, and what was done is taken over into the source, or thrown away, at the end.
#
#   dev-shell.sh enter IMAGE [COMMAND...]   a shell, or COMMAND; the first call makes the session
#   dev-shell.sh diff                       what was changed so far
#   dev-shell.sh keep [PATH...]             brings changes to the source, after asking
#   dev-shell.sh drop                       forgets all of it
#
# The session is named after the directory. Needs podman with oci-cnb-hooks installed, or, not installed,
# its hooks.d directories in OCI_CNB_HOOKS_DIRS, separated by colons.
set -euo pipefail

usage() {
  sed -n 's/^#   dev-shell/usage: dev-shell/p' "$0" >&2
  exit 2
}

# A name that is valid for a session, and different for every directory.
session=dev-$(basename "$PWD" | tr -c 'A-Za-z0-9_.\n-' -)
session=${session:0:40}-$(printf %s "$PWD" | cksum | cut -d' ' -f1)

hooks=()
IFS=: read -ra directories <<<"${OCI_CNB_HOOKS_DIRS:-}"
for directory in ${directories[@]+"${directories[@]}"}; do
  hooks+=(--hooks-dir "$directory")
done

enter() {
  local image=$1
  local -a terminal=()
  shift
  [[ $# -gt 0 ]] || set -- sh
  [[ ! -t 0 ]] || terminal=(--interactive --tty)
  podman ${hooks[@]+"${hooks[@]}"} run --rm ${terminal[@]+"${terminal[@]}"} --network "${NETWORK:-none}" \
    --annotation io.cnb.hooks.role=dev --annotation "io.cnb.hooks.session=$session" \
    --volume "$PWD:/workspace" "$image" "$@"
}

case ${1:-} in
  enter)
    [[ $# -ge 2 ]] || usage
    shift
    enter "$@"
    ;;
  diff) exec oci-cnb session diff "n-$session" ;;
  keep)
    shift
    exec oci-cnb session apply "n-$session" "$@"
    ;;
  drop) exec oci-cnb session rm "n-$session" ;;
  *) usage ;;
esac
