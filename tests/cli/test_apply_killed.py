"""`oci-cnb session apply`, killed at each of its system calls that change something, and repeated."""

import os
import shutil
import subprocess

import pytest

from test_apply import begin, write

CALLS = ("write", "mkdirat", "linkat", "fsync", "syncfs", "fchmod", "renameat2", "unlinkat")
OLD = {"change": "old\n", "d/change": "old\n", "stays": "old\n", "retyped": "old\n",
       ".dockerignore": "hidden\n"}


def describe(root):
    """What people see: times are those of the upper, and change times are everybody's own."""
    seen = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        contents = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        seen[str(path.relative_to(root))] = (status.st_mode, contents)
    return seen


class Case:
    """A source, a session over it, and an upper with something of everything."""

    def __init__(self, oci, room):
        self._oci = oci
        self.source = room / "source"
        for name, contents in OLD.items():
            write(self.source / name, contents)
        self.path = begin(oci, self.source)
        upper = self.path / "upper"
        for name in ("change", "d/change", "made/file"):
            write(upper / name, "new\n" * 3)
        (upper / "d").chmod(0o700)
        os.link(upper / "made/file", upper / "made/twin")
        os.symlink("elsewhere", upper / "retyped")

    def apply(self, *before):
        words = self._oci.words("session", "apply", "--yes", "s")
        return subprocess.run([*before, *words], capture_output=True, text=True, check=False, timeout=120)

    def halves(self):
        """Files that are neither old nor new."""
        whole = {*OLD.values(), "new\n" * 3}
        return [path for path in self.source.rglob("*")
                if path.is_file() and not path.name.startswith(".oci-cnb") and path.read_text() not in whole]


def apply_killed(oci, room, event):
    """Killed at the event of strace, repeated, and nothing is left to do. Gives whether it was killed,
    and the source."""
    case = Case(oci, room)
    try:
        first = case.apply("strace", "-qq", "-o", "/dev/null", "-e", event)
        assert case.halves() == [], event
        again = case.apply()
        assert again.returncode == 0, f"{event}: {again.stderr}"
        assert case.apply().stdout == "", event
        assert (case.source / "made/file").samefile(case.source / "made/twin"), event
        return first.returncode != 0, describe(case.source)
    finally:
        shutil.rmtree(case.path)


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_each_call(oci, tmp_path, call):
    killed, expected = apply_killed(oci, tmp_path / "whole", "trace=none")
    assert not killed
    for number in range(1, 200):
        event = f"inject={call}:signal=KILL:when={number}"
        killed, source = apply_killed(oci, tmp_path / str(number), event)
        assert source == expected, event
        if not killed:
            assert number > 1, "there is no such call"
            return
    pytest.fail("it never got to its end")
