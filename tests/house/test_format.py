"""clang-format says how C++ looks; no discussion."""

import re
import shutil
import subprocess

import pytest
from conftest import CHECKOUT, tracked

VERSION = 14  # Debian 12's; others break lines differently


def clang_format():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        program = shutil.which(name)
        if program:
            text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            if re.search(rf"version {VERSION}\.", text.stdout):
                return program
    return None


def test_cpp_is_formatted():
    program = clang_format()
    if program is None:
        pytest.skip(f"clang-format {VERSION} is not here; the style is defined by that version")
    files = tracked("*.cpp", "*.h")
    result = subprocess.run(
        [program, "--dry-run", "-Werror", *files], cwd=CHECKOUT, capture_output=True, text=True,
        check=False,
    )
    unformatted = sorted(set(re.findall(r"^(\S+?):\d+:", result.stderr, re.MULTILINE)))
    assert result.returncode == 0, "clang-format -i " + " ".join(unformatted)
