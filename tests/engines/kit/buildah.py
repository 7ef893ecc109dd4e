"""buildah run. It has no precreate stage, takes hooks from the default directory only, and hands no
annotation of the user to config.json: opting in goes through a runtime that adds both."""

import json
import os
import pathlib
import shlex

from kit.engine import Result, execute, must
from kit.podman import Podman

HOOKS_DIRECTORY = pathlib.Path("/usr/share/containers/oci/hooks.d")

# Adjusts config.json in the bundle when a container is created, then becomes the real runtime.
RUNTIME = """#!/bin/sh
set -e
bundle= previous= create=
for word in "$@"; do
  case "$previous" in --bundle | -b) bundle=$word ;; esac
  case "$word" in --bundle=*) bundle=${{word#*=}} ;; create) create=yes ;; esac
  previous=$word
done
if [ -n "$create" ]; then
  python3 -c {edit} "$bundle/config.json"
  env -i {precreate} < "$bundle/config.json" > "$bundle/config.json.new"
  mv "$bundle/config.json.new" "$bundle/config.json"
fi
exec {runtime} "$@"
"""
EDIT = """
import json, sys
config = json.load(open(sys.argv[1]))
config.setdefault("annotations", {{}}).update(json.loads({annotations!r}))
config.setdefault("hooks", {{}}).update(json.loads({hooks!r}))
json.dump(config, open(sys.argv[1], "w"))
"""


class Buildah:
    """A working container of buildah and `buildah run` in it."""

    kind = "buildah"

    def __init__(self, runtime, log, directory, programs):
        self.runtime = runtime
        self.name = f"buildah-{runtime}"
        self._log = log
        self._directory = pathlib.Path(directory)
        self._programs = programs

    def _runtime(self, request, hooks):
        if hooks is None:
            return self.runtime
        edit = EDIT.format(
            annotations=json.dumps(request.annotations), hooks=json.dumps(hooks.oci())
        )
        self._directory.mkdir(exist_ok=True)
        path = self._directory / f"runtime-{self.runtime}-{os.getpid()}"
        path.write_text(
            RUNTIME.format(
                edit=shlex.quote(edit),
                precreate=self._programs["oci-cnb-precreate"],
                runtime=self.runtime,
            )
        )
        path.chmod(0o755)
        return str(path)

    def run(self, request, hooks) -> Result:
        position = self._log.position()
        Podman.image(request.image)
        container = must(["buildah", "from", "--pull-never", f"localhost/{request.image}"])
        name = container.stdout.decode().strip()
        words = ["buildah", "run", "--runtime", self._runtime(request, hooks), "--network", "none"]
        for mount in request.all_mounts():
            words += ["--volume", mount.volume()]
        for key, value in request.env.items():
            words += ["--env", f"{key}={value}"]
        try:
            result = execute([*words, *request.options, name, "--", *request.argv()])
        finally:
            must(["buildah", "rm", name])
        result.log = self._log.since(position)
        return result
