"""Sessions: joining one against creating one, and what is said and done about 50,000 changed files.

    session_bench.py --quick|--full PROGRAMS        (run.sh calls it, in tests/lab/enter)

Commands that are compared take turns. Prints lines for run.sh's table.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "engines"))

import turns  # noqa: E402
from kit import source  # noqa: E402
from kit.hooks import STAGES, Hooks  # noqa: E402
from kit.podman import Podman  # noqa: E402

RUNS = {"--full": 20, "--quick": 3}
FILES = {"--full": 50_000, "--quick": 1000}
STORE = pathlib.Path("/var/lib/oci-cnb-hooks")
# EPOCHREALTIME costs no process: the time is that of the hook, with its start.
TIMED = """#!/bin/bash
begin=$EPOCHREALTIME
{hook} "$@"
status=$?
echo "$begin $EPOCHREALTIME" >>{file}
exit $status
"""


def row(what, runs, ours, peer):
    turns.row(what, *map(statistics.median, turns.take_turns(runs, ours, peer)))


class Joining:
    """The mount hook of real containers."""

    def __init__(self, programs, directory):
        self._oci = programs / "oci-cnb"
        self._times = directory / "times"
        timed = directory / "timed"
        timed.write_text(TIMED.format(hook=programs / STAGES["createRuntime"], file=self._times))
        timed.chmod(0o755)
        ours = {name: programs / name for name in STAGES.values()} | {STAGES["createRuntime"]: timed}
        self._hooks = Hooks(directory / "hooks", ours, ("precreate", "createRuntime", "poststop"))
        self._source = source.make(directory / "source", 0, 0)
        self._image = Podman.image("basic")
        self._number = 0
        self._podman("run", "--detach", "--name", "bench-holder", *self._options("held"), "sleep", "3600")

    def _podman(self, *words):
        subprocess.run(["podman", "--runtime", "crun", *self._hooks.podman_options(), *words],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def _options(self, session):
        return ["--network", "none", "--annotation", "io.cnb.hooks.role=dev", "--annotation",
                f"io.cnb.hooks.session={session}", "--volume", f"{self._source}:/workspace", self._image]

    def _run(self, session):
        self._podman("run", "--rm", *self._options(session), "/bin/true")
        begin, end = self._times.read_text().splitlines()[-1].split()
        return float(end) - float(begin)

    def join(self):
        return self._run("held")

    def create(self):
        self._number += 1
        try:
            return self._run(f"new-{self._number}")
        finally:
            subprocess.run([self._oci, "session", "rm", f"new-{self._number}"], check=True)

    def close(self):
        self._podman("rm", "--force", "--time", "0", "bench-holder")
        subprocess.run([self._oci, "session", "rm", "held"], check=True)


class Changed:
    """A session whose containers changed every file of a source, in one of ten cases without changing
    its size, so that both have to be read."""

    def __init__(self, oci, directory, files):
        self._oci = oci
        self._directory = directory
        self.source = self._fill(directory / "changed-source", files, "old", 1)
        self._path = self._session()
        self.upper = self._fill(self._path / "upper", files, "new", 10)

    @staticmethod
    def _fill(root, files, text, longer):
        for number in range(files):
            path = root / f"d{number // 100}/{number}"
            if number % 100 == 0:
                path.parent.mkdir(parents=True)
            path.write_text(text * (20 if number % 10 == 0 else 20 * longer))
        return root

    def _session(self):
        status = self.source.stat()
        now = time.clock_gettime_ns(time.CLOCK_REALTIME)
        state = {
            "version": 2, "kind": "container", "container": "bench", "bundle": str(self.source),
            "restartable": True, "boot": "b",
            "source": {"device": status.st_dev, "inode": status.st_ino}, "scratch": "disk",
            "origin": {"path": str(self.source), "since": [now // 10**9, now % 10**9],
                       "asked-rules": "", "rules": "", "user-xattr": False, "uid-swap": [0, 0],
                       "gid-swap": [0, 0]},
            "members": [],
        }
        path = STORE / "sessions/c-bench"
        path.mkdir(parents=True, mode=0o700)
        (path / "state.json").write_text(json.dumps(state))
        return path

    def diff(self):
        return turns.spawn([self._oci, "session", "diff", "bench"])

    def rsync(self):
        words = ["rsync", "--dry-run", "--archive", "--itemize-changes"]
        return turns.spawn([*words, f"{self.upper}/", f"{self.source}/"])

    # Into a pipe: what goes to /dev/null tar doesn't even read.
    def export(self):
        return turns.spawn(["sh", "-c", f"{self._oci} session export bench | cat >/dev/null"])

    def tar(self):
        return turns.spawn(["sh", "-c", f"tar -C {self.upper} -cf - . | cat >/dev/null"])

    def remove(self):
        """Both remove what is there, and both get a new one for the next turn."""
        kept = STORE / "kept"  # on one mount with the sessions
        shutil.copytree(self._path, kept, symlinks=True)
        took = turns.spawn([self._oci, "session", "rm", "bench"])
        while any((STORE / "trash").iterdir()):
            time.sleep(0.01)  # the background's work is not the peer's burden
        kept.rename(self._path)
        return took

    def rm(self):
        copy = self._directory / "copy"
        shutil.copytree(self.upper, copy, symlinks=True)
        return turns.spawn(["rm", "-rf", copy])

    def close(self):
        subprocess.run([self._oci, "session", "rm", "bench"], check=True)


def main():
    scale, programs = sys.argv[1], pathlib.Path(sys.argv[2])
    files = FILES[scale]
    with tempfile.TemporaryDirectory() as room:
        directory = pathlib.Path(room)
        joining = Joining(programs, directory)
        row("the mount hook, joining a session : creating one", RUNS[scale], joining.join, joining.create)
        joining.close()
        changed = Changed(programs / "oci-cnb", directory, files)
        what = f"{files:,} changed files: session"
        runs = RUNS[scale] // 3
        row(f"{what} diff : rsync -n", runs, changed.diff, changed.rsync)
        row(f"{what} export : tar", runs, changed.export, changed.tar)
        row(f"{what} rm : rm -rf", max(1, runs // 2), changed.remove, changed.rm)
        changed.close()


main()
