"""cppcheck over every source of ours, and GCC's -fanalyzer over what talks to the kernel: what they find is an
error. clang-tidy is test_tidy's.
"""

import concurrent.futures
import json
import os
import shutil
import subprocess

import pytest
from conftest import CHECKOUT, compile_commands, compiler_words, relative, tracked

# C with destructors: descriptors, buffers and system calls. GCC says that its analyzer isn't made for more of C++.
C_LIKE = ("libhookcore/sys/*.cpp",)
ANALYZER = [
    "-O1", "-fanalyzer", "-Werror", "-S", "-o", os.devnull,
    # Of libstdc++'s containers it believes that operator new may return null, that what a container frees in another
    # function leaks, and that an array which is returned was never filled.
    "-Wno-analyzer-null-dereference", "-Wno-analyzer-possible-null-dereference", "-Wno-analyzer-malloc-leak",
    "-Wno-analyzer-use-of-uninitialized-value"]


@pytest.fixture(scope="module")
def commands(request):
    return compile_commands(request.config.getoption("--build-dir"))


def test_cppcheck(commands, tmp_path):
    assert shutil.which("cppcheck"), "cppcheck is not installed: tests/lab/install.sh"
    ours = [commands[path] for path in tracked("libhookcore/*.cpp", "hooks/*.cpp") if path in commands]
    assert len(ours) > 100
    (tmp_path / "compile_commands.json").write_text(json.dumps(ours))
    done = subprocess.run(
        ["cppcheck", f"--project={tmp_path}/compile_commands.json", f"-j{os.cpu_count()}", "--quiet",
         "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1",
         "--template={file}:{line}: {severity}: {message} [{id}]"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def analyzed(request, commands):
    """{source: (exit code, output)}; a run for each core."""
    def one(path):
        words = compiler_words(commands[path])
        compiler = subprocess.run([words[0], "--version"], capture_output=True, text=True, check=True)
        if "Free Software Foundation" not in compiler.stdout:
            return path, None
        done = subprocess.run(words + ANALYZER, cwd=commands[path]["directory"],
                              capture_output=True, text=True, check=False)
        return path, (done.returncode, done.stderr)

    paths = [item.callspec.params["path"] for item in request.session.items if item.name.startswith("test_analyzer[")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(one, paths))


@pytest.mark.parametrize("path", tracked(*C_LIKE), ids=relative)
def test_analyzer(analyzed, path):
    if analyzed[path] is None:
        pytest.skip("the build's compiler isn't GCC")
    code, output = analyzed[path]
    assert code == 0, output
