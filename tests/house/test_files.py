"""Size, names and contents of every file."""

import re
import subprocess

import pytest
from conftest import CHECKOUT, each_file, relative, tracked

MAX_LINES = 500
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "CHANGELOG.md",
             "CONTRIBUTING.md", "hooks", "libhookcore", "packaging", "tests", "examples"}
# Paths of a developer's machine, and hosts from which images or packages would be fetched.
# docker.io alone is also the name of Debian's package of the engine.
FOREIGN = re.compile(
    r"(?<![\w/.$}])/(?:work/|root/|tmp/(?:team|build))"
    r"|\b(?:docker\.io(?=[/:\"'])|quay\.io|gcr\.io|ghcr\.io|registry\.[a-z0-9-]+\.(?:io|com|org)|deb\.debian\.org)\b"
)


def test_top_level():
    found = {relative(path).split("/")[0] for path in tracked()}
    unknown = sorted(name for name in found - TOP_LEVEL if not name.startswith("."))
    assert not unknown


def test_no_file_is_too_long():
    long = {
        relative(path): path.read_bytes().count(b"\n")
        for path in tracked("*.cpp", "*.h", "*.py", "*.sh", "tests/lab/enter")
        if path.read_bytes().count(b"\n") >= MAX_LINES
    }
    assert not long


def test_no_path_or_host_of_somewhere():
    wrong = []
    for path in tracked():
        if path.name in ("test_files.py", "CHANGELOG.md") or b"\0" in path.read_bytes()[:4096]:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found = FOREIGN.search(line)
            if found:
                wrong.append(f"{relative(path)}:{number}: {found.group()}")
    assert not wrong, "\n".join(wrong)


def test_no_white_space_at_line_ends():
    wrong = []
    for path in tracked("*.cpp", "*.h", "*.py", "*.sh", "*.txt", "*.cmake", "*.toml"):
        text = path.read_text(errors="replace")
        if re.search(r"[ \t]+$", text, re.MULTILINE) or (text and not text.endswith("\n")):
            wrong.append(relative(path))
    assert not wrong


def scripts():
    return [path for path in tracked() if path.read_bytes()[:32].startswith(b"#!/bin/bash")]


@pytest.mark.parametrize("path", scripts(), ids=relative)
def test_shell_syntax(path):
    result = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "set -euo pipefail" in path.read_text() or "set -eu" in path.read_text()


@each_file("*.py")
def test_python_syntax(path):
    compile(path.read_text(), str(path), "exec")


def test_headers_are_guarded():
    wrong = [relative(path) for path in tracked("*.h") if "#pragma once" not in path.read_text()]
    assert not wrong


def test_nothing_tracked_is_ignored():
    words = ["git", "-c", f"safe.directory={CHECKOUT}", "-C", str(CHECKOUT), "ls-files", "-i", "-c",
             "--exclude-standard"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""
