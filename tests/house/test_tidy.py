"""clang-tidy over every source of ours that the release build compiles; its warnings are errors.

What was clean stays clean until the source, a header or the checks change. It is remembered as ccache remembers
objects: by what the compiler sees, for every checkout of this user, in ~/.cache/oci-cnb-tidy (XDG_CACHE_HOME).
"""

import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import CHECKOUT, compile_commands, compiler_words, relative, tracked

FOLDERS = ("libhookcore/*.cpp", "hooks/*.cpp")


class Tidy:
    """clang-tidy with a memory."""

    def __init__(self, build):
        self._commands = compile_commands(build)
        self._build = build
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        self._memory = pathlib.Path(cache).expanduser() / "oci-cnb-tidy"
        self._memory.mkdir(parents=True, exist_ok=True)
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True)
        self._checks = version.stdout + b"".join(path.read_bytes() for path in tracked("*.clang-tidy"))

    def compiles(self, path):
        return path in self._commands

    def check(self, path):
        """(exit code, output)"""
        key = hashlib.sha256(self._checks + self._preprocessed(path)).hexdigest()
        if (self._memory / key).exists():
            return 0, ""
        words = ["clang-tidy", "--quiet", "-p", str(self._build), str(path)]
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            (self._memory / key).touch()
        return done.returncode, done.stdout

    def _preprocessed(self, path):
        """All that the compiler sees, comments (NOLINT) included, and not where it lies."""
        entry = self._commands[path]
        words = compiler_words(entry) + ["-E", "-C", "-P"]
        return subprocess.run(
            words, cwd=entry["directory"], capture_output=True, check=True
        ).stdout


@pytest.fixture(scope="module")
def verdicts(request):
    """{source: (exit code, output)}, None for one that isn't compiled; a run for each core."""
    build = pathlib.Path(request.config.getoption("--build-dir"))
    if not shutil.which("clang-tidy"):
        pytest.skip("clang-tidy is not installed")
    tidy = Tidy(build)
    paths = [item.callspec.params["path"] for item in request.session.items
             if item.name.startswith("test_tidy[")]

    def one(path):
        return path, tidy.check(path) if tidy.compiles(path) else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(one, paths))


@pytest.mark.parametrize("path", tracked(*FOLDERS), ids=relative)
def test_tidy(verdicts, path):
    verdict = verdicts[path]
    assert verdict is not None, "no target compiles this file"
    assert verdict[0] == 0, verdict[1]
