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
NAMES = (*STAGES.values(), "oci-cnb", "oci-cnb-fuse", "oci-cnb-runtime", "oci-cnb-guard")
INSTALLED = ("precreate", "createRuntime", "poststop")
# Every annotation of ours, so that a misspelled one reaches the hook and is told about.
OPTED_IN = {"annotations": {r"^io\.cnb\.hooks\..*$": ".*"}}
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def roots_of(checkout):
    """Where things are looked for: OCI_CNB_STAGE (an installed prefix), then the release build."""
    return [os.environ.get("OCI_CNB_STAGE"), checkout / "build/release/bin"]


def find_programs(checkout):
    """{name: path} of the programs."""
    roots = roots_of(checkout)
    for root in filter(None, roots):
        root = pathlib.Path(root)
        found = {
            path.name: path
            for path in root.rglob("oci-cnb*")
            if path.name in NAMES and path.is_file() and os.access(path, os.X_OK)
        }
        if set(found) == set(NAMES):
            return found
    raise FileNotFoundError(
        f"no complete set of {', '.join(NAMES)} in {[str(root) for root in roots if root]}; "
        "build first, or set OCI_CNB_STAGE"
    )


def find_documents():
    """{stage: hooks.d document} as they were installed; empty for a bare build."""
    documents = {}
    stage = os.environ.get("OCI_CNB_STAGE")
    for path in pathlib.Path(stage).rglob("*.json*") if stage else ():
        document = json.loads(path.read_text())
        if "hook" in document:
            documents |= {name: document for name in document["stages"]}
    return documents


class Hooks:
    """A set of hooks.d directories. precreate stands in one of its own, as it is installed."""

    def __init__(self, directory, programs, stages, when=None, copies=1):
        self.stages = tuple(stages)
        self._programs = programs
        self._copies = copies
        # Nothing special about them: where there is no hooks.d, `oci-cnb spec apply` does the same.
        self.as_installed = when is None and copies == 1 and self.stages == INSTALLED
        self._installed = find_documents()
        self._directories = []
        for stage in self.stages:
            of_precreate = stage == "precreate"
            target = pathlib.Path(directory) / ("precreate.d" if of_precreate else "hooks.d")
            target.mkdir(parents=True, exist_ok=True)
            if target not in self._directories:
                self._directories.append(target)
            for copy in range(copies):
                self._write(target / f"90-cnb-{stage}-{copy}.json", stage, when)

    def _write(self, path, stage, when):
        program = self._programs[STAGES[stage]]
        document = self._installed.get(stage) or {
            "version": "1.0.0",
            "hook": {
                "args": [program.name],
                "env": [f"{name}={value}" for name, value in ENV.items()],
            },
            "when": OPTED_IN,
        }
        document = {
            **document,
            "hook": {**document["hook"], "path": str(program)},
            "when": when or document["when"],
            "stages": [stage],
        }
        path.write_text(json.dumps(document))

    @property
    def directories(self):
        return self._directories

    def podman_options(self):
        return [part for path in self._directories for part in ("--hooks-dir", str(path))]

    def oci(self, inside=False):
        """The "hooks" member of config.json for a bare runtime.

        inside: the mount hook as createContainer. A plain user's crun makes the container's process
        undumpable, so that no hook outside of it can reach its namespaces.
        """
        hooks = {}
        for stage in self.stages:
            if stage != "precreate":
                program = self._programs[STAGES[stage]]
                env = [f"{name}={value}" for name, value in ENV.items()]
                hook = {"path": str(program), "args": [program.name], "env": env}
                if inside and stage == "createRuntime":
                    stage = "createContainer"
                    hook["args"].append("--stage=createContainer")
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
