"""Somebody swaps a directory and a link that leads out, thousands of times, while hooks run.

Each container has its workspace, or is refused by one line. What the link leads to is
never opened, changed or mounted on: a watch would tell, and the container's mount table.
OCI_CNB_RACE_SECONDS (4) is the time for each test.
"""

import json
import os
import re
import shutil
import tempfile
import time

import pytest

from attack import QuickContainer, Watch, swapping
from bundle import Bundle, clear_store, collect, wrongs_inside
from kit import source as tree
from kit import traces
from kit.checks import EXIT_CODES

SECONDS = float(os.environ.get("OCI_CNB_RACE_SECONDS", "4"))
MOST = 5000  # rounds
PATIENCE = 120  # seconds in which both ends have to be seen, on however busy a machine
LINE = re.compile(r"oci-cnb-createruntime: ([a-z-]+): \S.*\n")


class Arena:
    """A bundle, and beside it a directory that nobody may touch, as tempting as can be."""

    def __init__(self, room, programs):
        self._programs = programs
        self._mounts = traces.mounts()
        self.directory = tempfile.mkdtemp(prefix="arena-", dir=room)
        self.source = os.path.join(self.directory, "source")
        tree.make(self.source)
        self.bundle = Bundle(room, programs, self.source)
        self.rootfs = str(self.bundle.rootfs)
        self.victim = os.path.join(self.directory, "victim")
        for name in ("upper", "work", "layers", "lifecycle", "node_modules"):
            os.makedirs(os.path.join(self.victim, name))
        with open(os.path.join(self.victim, ".dockerignore"), "wb") as file:
            file.write(b"README.md\n")
        self._workspace = os.lstat(self.bundle.rootfs / "workspace").st_ino
        self._watch = Watch(self.victim)

    def remove(self):
        # The watch can tell: this is what a hook that was led astray would look like.
        assert self._watch.events() == []
        os.listdir(self.victim)
        assert self._watch.events() != []
        self._watch.close()
        self.bundle.remove()
        shutil.rmtree(self.directory)
        assert traces.mounts() == self._mounts

    def round(self, complete):
        """Whether the container was served, and a line for each wrong."""
        container = QuickContainer(self.rootfs, self.source, self._workspace)
        try:
            state = json.dumps(self.bundle.state(container)).encode()
            status, errors = self.bundle.told("createruntime", state)
            points = set(container.mount_points())
            wrong = [f"mounted on {path!r}" for path in points
                     if path.startswith(os.fsencode(self.victim))]
            if status == 0:
                wrong += [f"stderr: {errors}"] if errors else []
                wrong += wrongs_inside(container) if complete else []
            else:
                told = LINE.fullmatch(errors)
                wrong += [] if told and EXIT_CODES.get(told.group(1)) == status else [errors]
        finally:
            container.end()
        return status == 0, wrong + [f"touched: {event}" for event in self._watch.events()]

    def fight(self, one, other, complete=False, always=False):
        """complete: what is served has everything. always: nothing is a reason to refuse."""
        served, refused = 0, 0
        begin = time.monotonic()
        with swapping(one, other) as swaps:
            while True:
                passed = time.monotonic() - begin
                both = served > 0 and (refused > 0 or always)
                if (passed > SECONDS and both) or served + refused >= MOST or passed > PATIENCE:
                    break
                done, wrong = self.round(complete)
                served, refused = served + done, refused + (not done)
                assert wrong == [], "\n".join(wrong)
        assert served > 0 and (refused > 0 or always), (served, refused)
        assert swaps.value > 1000
        return f"{swaps.value} swaps, {served + refused} hooks: {served} served, {refused} refused"


@pytest.fixture
def arena(room, programs):
    clear_store()
    made = Arena(room, programs)
    yield made
    made.remove()
    assert collect(programs) == []


def link(path, target):
    os.symlink(target, path)
    return path


def test_the_workspace_of_the_image(arena, told):
    """CVE-2021-30465 and CVE-2025-31133: the target is swapped between look and mount."""
    other = link(os.path.join(arena.rootfs, "swap"), arena.victim)
    told(arena.fight(os.path.join(arena.rootfs, "workspace"), other))
    os.unlink(other)


@pytest.mark.parametrize("name", ["layers", "platform"])
def test_directories_of_the_layout(arena, told, name):
    """Where mkdir or a mount would land on the host (CVE-2024-45310)."""
    os.mkdir(os.path.join(arena.rootfs, name))
    other = link(os.path.join(arena.rootfs, "swap"), arena.victim)
    told(arena.fight(os.path.join(arena.rootfs, name), other))
    os.unlink(other)


@pytest.mark.parametrize("name", ["src/deep", "packages/app", "logs"])
def test_a_directory_of_the_source(arena, told, name):
    """Rules reach into it: the walk reads what it has opened without following, or nothing."""
    other = link(os.path.join(arena.directory, "swap"), arena.victim)
    told(arena.fight(os.path.join(arena.source, name), other, always=True))
    os.unlink(other)


def test_the_ignore_file(arena, told):
    """Its rules, or a refusal: never those of a file outside, and never none."""
    rules = os.path.join(arena.victim, ".dockerignore")
    other = link(os.path.join(arena.directory, "swap"), rules)
    told(arena.fight(os.path.join(arena.source, ".dockerignore"), other, complete=True))
    os.unlink(other)


def test_the_directory_of_the_session(arena, told, programs):
    """As somebody could who already is the store's owner; even then nothing else is written."""
    arena.bundle.annotations["io.cnb.hooks.session"] = "raced"
    arena.round(complete=True)
    (name,) = traces.sessions()
    other = link(str(traces.state_directory() / "swap"), arena.victim)
    told(arena.fight(str(traces.state_directory() / "sessions" / name), other))
    os.unlink(other)
    assert os.path.isdir(traces.state_directory() / "sessions" / name)
    clear_store()
