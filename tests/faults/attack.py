"""An attacker that swaps two names as fast as it can, and a watch over what nobody may touch."""

import contextlib
import ctypes
import mmap
import os
import pathlib
import select
import signal
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 1 << 19
# Whatever is done to a directory but looking it up, which a swapped link can't prevent.
IN_CLOSE = 0x8 | 0x10
IN_EVERYTHING = 0xFFF & ~IN_CLOSE
EVENT = struct.Struct("iIII")


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _mount(source, target, flags):
    _checked(LIBC.mount(os.fsencode(source), os.fsencode(target), None, flags, None), target)


def _forked(work):
    """The pid of a child that does this, and never comes back into the tests."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # pylint: disable=broad-except
            print(error, file=sys.stderr)
        finally:
            os._exit(1)
    return pid


def _ended(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@contextlib.contextmanager
def swapping(one, other):
    """A process that exchanges the two all the time; afterwards they are as they were. Gives how
    often, by its value."""
    count = ctypes.c_ulong.from_buffer(mmap.mmap(-1, mmap.PAGESIZE))
    one, other = os.fsencode(one), os.fsencode(other)
    before = os.lstat(one).st_ino

    def swap():
        return LIBC.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)

    def attack():
        while True:
            count.value += swap() == 0  # it fails while one of them is away

    pid = _forked(attack)
    try:
        yield count
    finally:
        _ended(pid)
        if os.path.lexists(one) and os.lstat(one).st_ino != before:
            _checked(swap(), "renameat2")


def _caught(path, inode):
    """A descriptor of this directory, in a moment in which it stands there."""
    while True:
        with contextlib.suppress(OSError):
            found = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
            if os.fstat(found).st_ino == inode:
                return found
            os.close(found)


class QuickContainer:
    """As bundle.Container, in a millisecond; the source is mounted on a directory that is open, so
    that no attacker can lead this mount of the test's own elsewhere. inode: the workspace's."""

    def __init__(self, rootfs, source, inode):
        reader, writer = os.pipe()

        def contain():
            _checked(LIBC.unshare(CLONE_NEWNS), "unshare")
            _mount("none", "/", MS_REC | MS_SLAVE)
            _mount(rootfs, rootfs, MS_BIND | MS_REC)
            workspace = _caught(os.path.join(rootfs, "workspace"), inode)
            _mount(source, f"/proc/self/fd/{workspace}", MS_BIND | MS_REC)
            os.write(writer, b"r")
            while True:
                signal.pause()

        self.pid = _forked(contain)
        self.root = pathlib.Path(f"/proc/{self.pid}/root{rootfs}")
        os.close(writer)
        ready = os.read(reader, 1)
        os.close(reader)
        assert ready == b"r"

    def mount_points(self):
        """Where there is a mount, in its namespace."""
        with open(f"/proc/{self.pid}/mountinfo", "rb") as file:
            return [line.split()[4] for line in file]

    def end(self):
        _ended(self.pid)


class Watch:
    """Tells of anything that is opened, made, changed or removed in a directory."""

    def __init__(self, path):
        self._fd = _checked(LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify_init1")
        _checked(LIBC.inotify_add_watch(self._fd, os.fsencode(path), IN_EVERYTHING), path)

    def events(self):
        """(mask, name) of each since the last look."""
        found = []
        while select.select([self._fd], [], [], 0)[0]:
            data, at = os.read(self._fd, 1 << 16), 0
            while at < len(data):
                _, mask, _, length = EVENT.unpack_from(data, at)
                at += EVENT.size
                found.append((hex(mask), data[at:at + length].rstrip(b"\0")))
                at += length
        return found

    def close(self):
        os.close(self._fd)
