"""Hooks in numbers: five hundred at once, and as many starts as a day has.

OCI_CNB_STARTS says how many starts there are (10000 are those of a day); else there are as many as
fit into 20 seconds.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import pytest

import memory
from attack import QuickContainer
from bundle import clear_store, collect, wrongs_inside
from kit import traces

AT_ONCE = 500
ALONE = 20
LOOK = 25  # every so many containers one is looked into
SESSION = "crowd"
SECONDS = 20
SUCCESS = [(b"", 0)]
LIMIT = 600  # seconds; two cores
WARM = 50  # starts, after which caches and this test's own memory are what they will be
# Bytes. The kernel gives some back late; an overlay over a tmpfs that stays takes fourteen times the
# second.
GROWTH, GROWTH_OF_A_START = 4 << 20, 1024
KEPT_BYTES = 3 << 20  # the hooks' log and the one before it, each of which ends at 1 MiB


class Copy:
    """A container with a rootfs and an id of its own; its config.json is the bundle's but for them."""

    def __init__(self, directory, bundle, config, number, session):
        self.path = os.path.join(directory, f"c{number}")
        self.rootfs = os.path.join(self.path, "rootfs")
        os.makedirs(os.path.join(self.rootfs, "workspace"))
        self._source, self.container = str(bundle.source), None
        self.annotations = dict(bundle.annotations)
        if session:
            self.annotations["io.cnb.hooks.session"] = session
        config = {**config, "annotations": {**config["annotations"], **self.annotations},
                  "root": {"path": self.rootfs}}
        with open(os.path.join(self.path, "config.json"), "w", encoding="ascii") as file:
            json.dump(config, file)

    def start(self):
        inode = os.lstat(os.path.join(self.rootfs, "workspace")).st_ino
        self.container = QuickContainer(self.rootfs, self._source, inode)

    def end(self):
        if self.container:
            self.container.end()
            self.container = None

    def state(self, status):
        return json.dumps({
            "ociVersion": "1.0.0", "id": os.path.basename(self.path), "status": status,
            "pid": self.container.pid if status == "created" else 0, "bundle": self.path,
            "annotations": self.annotations}).encode()


@pytest.fixture
def copies(room, programs, bundle):
    """copies(number, session): containers that run; ended afterwards."""
    clear_store()
    directory = tempfile.mkdtemp(prefix="many-", dir=room)
    config = json.loads((bundle.path / "config.json").read_text())
    made = []

    def make(count, session=lambda number: None):
        new = [Copy(directory, bundle, config, len(made) + at, session(at)) for at in range(count)]
        made.extend(new)
        for copy in new:
            copy.start()
        return new

    yield make
    for copy in made:
        copy.end()
    shutil.rmtree(directory)


def run_all(program, documents):
    """All at once: each waits for its document until the last is there. Their results."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(subprocess.Popen(
            [program], stdin=subprocess.PIPE, stderr=subprocess.PIPE)) for _ in documents]
        begin = time.monotonic()
        for process, document in zip(running, documents):
            process.stdin.write(document)
            process.stdin.close()
        results = [(process.stderr.read(), process.wait(LIMIT)) for process in running]
        return results, time.monotonic() - begin


def test_five_hundred_hooks_at_once(copies, programs, told):
    """Half of them join one session, whose lock and state all of them want."""
    mounts = traces.mounts()
    hook = programs["oci-cnb-createruntime"]
    single = copies(ALONE)
    alone = statistics.median(run_all(hook, [copy.state("created")])[1] for copy in single)
    crowd = copies(AT_ONCE, lambda number: SESSION if number % 2 else None)
    results, seconds = run_all(hook, [copy.state("created") for copy in crowd])
    assert results == SUCCESS * AT_ONCE
    wrong = [line for copy in crowd[::LOOK] for line in wrongs_inside_of(copy)]
    assert wrong == []
    told(f"one alone {alone * 1000:.1f} ms; {AT_ONCE} at once {seconds * 1000 / AT_ONCE:.1f} ms each")
    everybody = single + crowd
    for copy in everybody:
        copy.end()
    results, _ = run_all(programs["oci-cnb-poststop"],
                         [copy.state("stopped") for copy in everybody])
    assert results == SUCCESS * len(everybody)
    subprocess.run([programs["oci-cnb"], "session", "rm", f"n-{SESSION}"], check=True)
    assert collect(programs) == []
    assert traces.mounts() == mounts


def wrongs_inside_of(copy):
    """A session's containers see what others of it have written."""
    session = "io.cnb.hooks.session" in copy.annotations
    return [f"{copy.path}: {line}" for line in wrongs_inside(copy.container)
            if not (session and "shown: " in line)]


def start_and_end(copy, programs):
    for name in os.listdir(copy.rootfs):
        if name != "workspace":
            os.rmdir(os.path.join(copy.rootfs, name))
    copy.start()
    assert run_all(programs["oci-cnb-createruntime"], [copy.state("created")])[0] == SUCCESS
    copy.end()
    assert run_all(programs["oci-cnb-poststop"], [copy.state("stopped")])[0] == SUCCESS


def start_many(copy, programs):
    """How often; after each hundred nothing is left."""
    wanted = int(os.environ.get("OCI_CNB_STARTS", "0"))
    mounts, begin, starts = traces.mounts(), time.monotonic(), 0
    while starts < wanted if wanted else time.monotonic() < begin + SECONDS:
        start_and_end(copy, programs)
        starts += 1
        if starts % 100 == 1:
            nothing_is_left(mounts)
    nothing_is_left(mounts)
    return starts


def nothing_is_left(mounts):
    traces.removal_ended()
    assert traces.store_entries() == []
    assert traces.mounts() == mounts


def test_nothing_grows(copies, programs, told):
    """As many starts of one container, one after another, each with the end of it."""
    (copy,) = copies(1)
    copy.end()
    with memory.charged() as charged:
        if charged:
            charged.join()
        try:
            for _ in range(WARM):
                start_and_end(copy, programs)
            descriptors = len(os.listdir("/proc/self/fd"))
            before, begin = charged.kept() if charged else 0, time.monotonic()
            starts = start_many(copy, programs)
            each = 1000 * (time.monotonic() - begin) / starts
            grown = charged.kept() - before if charged else 0
        finally:
            if charged:
                charged.leave()
    told(f"{starts} starts, {each:.1f} ms each with what makes and ends the container; memory: "
         + (f"{grown >> 10:+} KiB" if charged else "no group of processes to measure it in"))
    assert grown < GROWTH + starts * GROWTH_OF_A_START
    assert len(os.listdir("/proc/self/fd")) == descriptors
    kept = [path for path in traces.state_directory().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < KEPT_BYTES
    assert collect(programs) == []
