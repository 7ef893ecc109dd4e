"""The store's file system is full in the middle of the hook's work, at every place in turn.

The container is refused by a line that says what is full, or has everything; then there is room
again, and nothing is left.
"""

import contextlib
import os
import re

import pytest

from bundle import clear_store, collect, wrongs_inside
from kit import traces
from kit.checks import EXIT_CODES
from kit.engine import must

TOLD = re.compile(r"oci-cnb-createruntime: (scratch|session|system): .*No space left.*\n")
MOST = 200  # rounds; far more than a hook makes files


@contextlib.contextmanager
def mounted(*words):
    """The store lies on a file system of its own."""
    store = traces.state_directory()
    must(["mount", *words, str(store)])
    store.chmod(0o700)
    try:
        yield store
    finally:
        must(["umount", str(store)])


def wrongs(status, errors, container):
    if status == 0:
        return wrongs_inside(container)
    found = [] if TOLD.fullmatch(errors) else [f"told: {errors}"]
    found += [] if status in EXIT_CODES.values() else [f"exit status {status}"]
    made = {path.name for path in container.root.iterdir()} - {"workspace"}
    return found + [f"left in the rootfs: {name}" for name in made]


def attempt(bundle, programs, make_room):
    """One start, then room again, and a collection; (whether it started, lines of wrongs)."""
    container = bundle.start()
    status, errors = bundle.hook("createruntime", container)
    make_room()
    found = wrongs(status, errors, container)
    container.end()
    return status == 0, found + collect(programs)


def sweep(bundle, programs, fill, make_room):
    """How many starts were refused, the room growing from nothing until one succeeds."""
    wrong = []
    for amount in range(MOST):
        clear_store()
        fill(amount)
        started, found = attempt(bundle, programs, make_room)
        wrong += [f"with room for {amount}: {line}" for line in found]
        if started:
            break
    assert wrong == [], "\n".join(wrong)
    assert started
    return amount


def test_memory_without_inodes(bundle, programs):
    with mounted("-t", "tmpfs", "-o", "size=16m,nr_inodes=1000", "tmpfs") as store:

        def limit(number):
            must(["mount", "-o", f"remount,nr_inodes={number}", str(store)])

        def used():
            info = os.statvfs(store)
            return info.f_files - info.f_ffree

        limit(1000)
        refused = sweep(bundle, programs, lambda amount: limit(used() + amount), lambda: limit(1000))
        assert refused > 3
        clear_store()


@pytest.fixture
def disk(room):
    """A file system of a few mebibytes on a loop device."""
    image = room / "small.img"
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    must(["mkfs.ext4", "-q", "-m", "0", "-b", "1024", "-O", "^has_journal", "-E", "root_owner=0:0",
          str(image)])
    yield image
    image.unlink()


def test_disk_without_blocks(bundle, programs, disk):
    with mounted("-o", "loop", str(disk)) as store:
        filler = store / "filler"

        def fill(amount):
            """All blocks are taken, then so many are given back."""
            with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 1024)
            os.truncate(filler, filler.stat().st_size - amount * 1024)

        def make_room():
            filler.unlink()

        refused = sweep(bundle, programs, fill, make_room)
        assert refused > 3
        clear_store()
