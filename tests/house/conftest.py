"""Options of the house checks.

    python3 -m pytest tests/house [--build-dir DIR]     DIR has compile_commands.json
"""

import pathlib
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


def relative(path):
    return str(path.relative_to(CHECKOUT))


def each_file(*patterns):
    """Parametrises a test over files."""
    return pytest.mark.parametrize("path", tracked(*patterns), ids=relative)
