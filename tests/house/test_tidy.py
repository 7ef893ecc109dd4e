"""clang-tidy over every source of ours that the release build compiles; its warnings are errors."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import CHECKOUT, relative, tracked

FOLDERS = ("libhookcore/*.cpp", "hooks/*.cpp")


@pytest.fixture(scope="module")
def verdicts(request):
    """{source: (exit code, output)}; a run for each file, as many at once as there are cores."""
    build = pathlib.Path(request.config.getoption("--build-dir"))
    if not shutil.which("clang-tidy"):
        pytest.skip("clang-tidy is not installed")
    if not (build / "compile_commands.json").exists():
        pytest.skip(f"{build} has no compile_commands.json: configure first")
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = {pathlib.Path(entry["file"]) for entry in commands}
    chosen = [item.callspec.params["path"] for item in request.session.items
              if item.name.startswith("test_tidy[")]

    def one(path):
        words = ["clang-tidy", "--quiet", "-p", str(build), str(path)]
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        return path, (done.returncode, done.stdout)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return compiled, dict(pool.map(one, [path for path in chosen if path in compiled]))


@pytest.mark.parametrize("path", tracked(*FOLDERS), ids=relative)
def test_tidy(verdicts, path):
    compiled, results = verdicts
    assert path in compiled, "no target compiles this file"
    status, output = results[path]
    assert status == 0, output
