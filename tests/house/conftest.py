"""Options of the house checks.

    python3 -m pytest tests/house [--build-dir DIR]     DIR has compile_commands.json
"""

import json
import os
import pathlib
import shlex
import subprocess

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--build-dir", default=str(CHECKOUT / "build/release"))


def tracked(*patterns):
    """Files of the repository that match, those not yet added included."""
    words = ["git", "-c", f"safe.directory={CHECKOUT}", "-C", str(CHECKOUT), "ls-files", "-z",
             "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(words, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted(CHECKOUT / name for name in {*listed} if name and (CHECKOUT / name).is_file())


def compile_commands(build):
    """{source: its entry of the build directory's compile_commands.json}; the test is skipped without one."""
    database = pathlib.Path(build) / "compile_commands.json"
    if not database.exists():
        pytest.skip(f"{database} is absent: configure first")
    return {pathlib.Path(entry["file"]): entry for entry in json.loads(database.read_text())}


def compiler_words(entry):
    """Its command without the cache before it and without where the output goes: to be given another."""
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    at = words.index("-o")
    return words[:at] + words[at + 2:]


def relative(path):
    return str(path.relative_to(CHECKOUT))


def each_file(*patterns):
    """Parametrises a test over files."""
    return pytest.mark.parametrize("path", tracked(*patterns), ids=relative)
