"""What the kernel charges to processes of a test, whoever else is at work on the machine."""

import contextlib
import os
import pathlib
import tempfile

# Of cgroup v1: a group of v2 that has processes has no children.
MOUNT = pathlib.Path("/sys/fs/cgroup/memory")


class Charged:
    """The memory of a group of processes, those included that have ended and the kernel's own for
    them: mounts, file systems, dentries."""

    def __init__(self, group):
        self._group = group

    def join(self):
        (self._group / "cgroup.procs").write_text(str(os.getpid()))

    def leave(self):
        (self._group.parent / "cgroup.procs").write_text(str(os.getpid()))

    def kept(self):
        """Bytes that stay when everything that can be given back is."""
        with contextlib.suppress(OSError):  # EBUSY: some can't, which is what is asked for
            (self._group / "memory.force_empty").write_text("0")
        return int((self._group / "memory.usage_in_bytes").read_text())


@contextlib.contextmanager
def charged():
    """A Charged of which nobody is a member yet; None on a machine without such groups."""
    if not os.access(MOUNT / "cgroup.procs", os.W_OK):
        yield None
        return
    group = pathlib.Path(tempfile.mkdtemp(prefix="oci-cnb-", dir=MOUNT))
    try:
        yield Charged(group)
    finally:
        with contextlib.suppress(OSError):  # EBUSY after a test that failed
            group.rmdir()
