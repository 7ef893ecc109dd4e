"""`oci-cnb session apply`, killed at each of its system calls that change something, and repeated."""

import os
import shutil
import subprocess

import pytest

from test_apply import begin, write

CALLS = ("write", "mkdirat", "linkat", "fsync", "syncfs", "fchmod", "renameat2", "unlinkat")
OLD = {"change": "old\n", "d/change": "old\n", "stays": "old\n", "retyped": "old\n"}


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


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_each_call(oci, tmp_path, call):
    expected = None
    killed = 0
    for number in range(200):
        room = tmp_path / str(number)
        case = Case(oci, room)
        inject = f"inject={call}:signal=KILL:when={number}" if number > 0 else "trace=none"
        first = case.apply("strace", "-qq", "-o", "/dev/null", "-e", inject)
        assert case.halves() == []
        again = case.apply()
        assert again.returncode == 0, f"{call} {number}: {again.stderr}"
        assert case.apply().stdout == ""
        if expected is None:
            assert first.returncode == 0, first.stderr
            expected = describe(case.source)
        assert describe(case.source) == expected, f"{call} {number}"
        assert (case.source / "made/file").samefile(case.source / "made/twin")
        shutil.rmtree(case.path)
        if number > 0 and first.returncode == 0:
            break  # there is no such call any more
        killed += number > 0
    assert 0 < killed < 199
