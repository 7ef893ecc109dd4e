"""examples/projects: real projects with their real compilers."""

import os
import subprocess

import pytest
from conftest import CHECKOUT

pytestmark = pytest.mark.build_machine
SHOWN = {
    "node": ("masked: .env dist/ node_modules/ npm-debug.log test/node_modules/ ",
             "<h1>Hello, world!</h1>"),
    "python": ("masked: .env .venv/ build/ data/private.csv wordcount/__pycache__/ ", "2 be"),
    "rust": ("masked: src/main.rs.bk target/ ", "2 3 5 7 11 13 17 19 23 29"),
    "c": ("masked: build/cache/ greet.o hello main.o ", "Hello, world!"),
}


def run(cnb, project):
    return subprocess.run([CHECKOUT / "examples/projects/run.sh", project], text=True, check=False,
                          capture_output=True, timeout=300, env={**os.environ, "OCI_CNB": str(cnb.path)})


def test_all_are_here():
    folders = {path.parent.name for path in (CHECKOUT / "examples/projects").glob("*/.dockerignore")}
    assert folders == set(SHOWN)


@pytest.mark.parametrize("project", SHOWN)
def test_project(cnb, project):
    masked, built = SHOWN[project]
    result = run(cnb, project)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert masked in lines
    assert f"  | {built}" in lines
    assert any(line.startswith("  unchanged: ") for line in lines)
