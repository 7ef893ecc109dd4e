"""A bundle, the process that stands for its container, and hooks that strace lets fail."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
from types import SimpleNamespace

from errnos import NUMBERED
from kit import source as tree
from kit import traces
from kit.engine import execute, must

LIMIT = 120  # seconds
# What a runtime has done before it calls the hooks: a mount namespace, the rootfs, the source.
CONTAINER = """
mount --bind "$1" "$1" && mount --bind "$2" "$1/workspace" && echo ready && exec sleep infinity
"""
CALL = re.compile(r"^(\w+)\((.*)")


@dataclasses.dataclass(frozen=True)
class Call:
    """The nth call of this name in a run, and its arguments as strace shows them."""

    name: str
    nth: int
    arguments: str

    @property
    def selector(self):
        """How strace's options name it."""
        return str(int(self.name[8:], 16)) if self.name in NUMBERED else self.name

    def __str__(self):
        return f"{NUMBERED.get(self.name, self.name)} {self.nth} ({self.arguments[:70]})"


class Container:
    """A process in a mount namespace in which the rootfs is mounted, and the source in it."""

    def __init__(self, rootfs, source):
        words = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", CONTAINER, "sh"]
        self._process = subprocess.Popen([*words, rootfs, source], stdout=subprocess.PIPE)
        self.pid = self._process.pid
        assert self._process.stdout.readline() == b"ready\n"
        self.root = pathlib.Path(f"/proc/{self.pid}/root{rootfs}")

    def end(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Bundle:
    """One container's bundle."""

    def __init__(self, room, programs, source, annotations=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="bundle-", dir=room))
        self.rootfs = self.path / "rootfs"
        self.source = source
        self.programs = programs
        self.annotations = {"io.cnb.hooks.role": "dev", **(annotations or {})}
        (self.rootfs / "workspace").mkdir(parents=True)
        self._write_config()

    def remove(self):
        shutil.rmtree(self.path)

    def _write_config(self):
        must(["crun", "spec"], cwd=self.path)
        path = self.path / "config.json"
        config = json.loads(path.read_text())
        config["annotations"] = self.annotations
        config["root"] = {"path": str(self.rootfs), "readonly": False}
        config["mounts"].append({"destination": "/workspace", "source": str(self.source),
                                 "type": "bind", "options": ["rbind", "rw"]})
        adjusted = must([self.programs["oci-cnb-precreate"]], stdin=json.dumps(config).encode())
        path.write_bytes(adjusted.stdout)

    def start(self):
        """A new container of this bundle; what an earlier one's hook left in the rootfs is gone."""
        for path in self.rootfs.iterdir():
            if path.name != "workspace":
                path.rmdir()
        return Container(str(self.rootfs), str(self.source))

    def state(self, container):
        """What the runtime tells its hooks about it."""
        return {"ociVersion": "1.0.0", "id": self.path.name, "status": "created",
                "pid": container.pid, "bundle": str(self.path), "annotations": self.annotations}

    def hook(self, stage, container, *options):
        """Runs a hook under strace with these options; (exit status, stderr)."""
        return self.told(stage, json.dumps(self.state(container)).encode(), *options)

    def told(self, stage, document, *options):
        """The same with this text for its state document."""
        words = [self.programs[f"oci-cnb-{stage}"]]
        if options:
            words = ["strace", "--output=/dev/null", *options, *words]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as process:
            try:
                _, errors = process.communicate(document, LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # strace's end wouldn't be the hook's
                raise
        return process.returncode, errors.decode("utf-8", "backslashreplace")

    def calls(self, stage, container):
        """The system calls of a run in which nothing fails, in their order; of its first thread."""
        output = self.path / "trace"
        status, errors = self.hook(stage, container, f"--output={output}")
        assert status == 0, errors
        counted, found = {}, []
        for line in output.read_text().splitlines():
            match = CALL.match(line)
            if match:
                name = match.group(1)
                counted[name] = counted.get(name, 0) + 1
                found.append(Call(name, counted[name], match.group(2)))
        output.unlink()
        return found


def wrongs_inside(container, writable=True):
    """What the container lacks of its guarantee, a line each; writable: its workspace is."""
    workspace = container.root / "workspace"
    seen = {os.fsencode(path.relative_to(workspace)) for path in workspace.rglob("*")}
    found = [f"shown: {name!r}" for name in seen & tree.masked_paths()]
    found += [f"not shown: {name!r}" for name in tree.visible_paths() - seen]
    try:
        if writable:
            (workspace / "written").write_text("by the container\n")
        (container.root / "layers/written").write_text("by the container\n")
    except OSError as error:
        found.append(f"not writable: {error}")
    if not (container.root / "platform").is_dir():
        found.append("no /platform")
    return found


def lay_in_spare(bundle):
    """What an ended container's poststop leaves for the next one."""
    traces.state_directory().mkdir(mode=0o700, parents=True, exist_ok=True)
    status, errors = bundle.hook("poststop", SimpleNamespace(pid=0))
    assert status == 0, errors
    assert all((traces.state_directory() / name).exists() for name in traces.SPARE)


def collect(programs):
    """Lines about what `session gc` leaves."""
    result = execute([programs["oci-cnb"], "session", "gc"])
    found = [] if result.status == 0 else [f"session gc: {result}"]
    traces.removal_ended()
    return found + [f"left: {name}" for name in traces.store_entries()]


def clear_store():
    """A machine on which no hook has run yet."""
    traces.removal_ended()
    root = traces.state_directory()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


class Joined:
    """A container that has a session's workspace, and the bundle of one that joins it."""

    def __init__(self, room, programs, source):
        clear_store()
        self._programs, self._mounts = programs, traces.mounts()
        self._first, self.bundle = (
            Bundle(room, programs, source, {"io.cnb.hooks.session": "joined"}) for _ in range(2))
        self.host = self._first.start()
        assert self._first.hook("createruntime", self.host) == (0, "")

    def end(self):
        self.host.end()
        must([self._programs["oci-cnb"], "session", "rm", "n-joined"])
        assert collect(self._programs) == []
        assert traces.mounts() == self._mounts
        self._first.remove()
        self.bundle.remove()
