"""The programs under test and the hooks.d files that engines are pointed at."""

import json
import os
import pathlib
import shutil

STAGES = {
    "precreate": "oci-cnb-precreate",
    "createRuntime": "oci-cnb-createruntime",
    "prestart": "oci-cnb-prestart",
    "poststop": "oci-cnb-poststop",
}
NAMES = (*STAGES.values(), "oci-cnb")
# Every annotation of ours, so that a misspelled one reaches the hook and is told about.
OPTED_IN = {"annotations": {r"^io\.cnb\.hooks\..*$": ".*"}}
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def find_programs(checkout):
    """{name: path} of the programs: OCI_CNB_STAGE (an installed prefix) or the release build."""
    roots = [os.environ.get("OCI_CNB_STAGE"), checkout / "build/release/bin"]
    for root in filter(None, roots):
        found = {
            path.name: path
            for path in pathlib.Path(root).rglob("oci-cnb*")
            if path.name in NAMES and path.is_file() and os.access(path, os.X_OK)
        }
        if set(found) == set(NAMES):
            return found
    raise FileNotFoundError(
        f"no complete set of {', '.join(NAMES)} in {[str(root) for root in roots if root]}; "
        "build first, or set OCI_CNB_STAGE"
    )


class Hooks:
    """A set of hooks.d directories. precreate stands in one of its own, as it is installed."""

    def __init__(self, directory, programs, stages, when=None, copies=1):
        self.stages = tuple(stages)
        self._programs = programs
        self._copies = copies
        self._directories = []
        for stage in self.stages:
            of_precreate = stage == "precreate"
            target = pathlib.Path(directory) / ("precreate.d" if of_precreate else "hooks.d")
            target.mkdir(parents=True, exist_ok=True)
            if target not in self._directories:
                self._directories.append(target)
            for copy in range(copies):
                self._write(target / f"90-cnb-{stage}-{copy}.json", stage, when or OPTED_IN)

    def _write(self, path, stage, when):
        program = self._programs[STAGES[stage]]
        document = {
            "version": "1.0.0",
            "hook": {
                "path": str(program),
                "args": [program.name],
                "env": [f"{name}={value}" for name, value in ENV.items()],
            },
            "when": when,
            "stages": [stage],
        }
        path.write_text(json.dumps(document))

    @property
    def directories(self):
        return self._directories

    def podman_options(self):
        return [part for path in self._directories for part in ("--hooks-dir", str(path))]

    def oci(self):
        """The "hooks" member of config.json for a bare runtime."""
        hooks = {}
        for stage in self.stages:
            if stage != "precreate":
                program = self._programs[STAGES[stage]]
                env = [f"{name}={value}" for name, value in ENV.items()]
                hook = {"path": str(program), "args": [program.name], "env": env}
                hooks[stage] = [hook] * self._copies
        return hooks


def stage_copy(programs, directory):
    """Copies of the programs that every user may run, wherever the checkout lies."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    copies = {}
    for name, path in programs.items():
        copies[name] = directory / name
        shutil.copyfile(path, copies[name])
        copies[name].chmod(0o755)
    return copies
