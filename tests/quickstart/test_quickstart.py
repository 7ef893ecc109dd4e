"""The first command of README, as a newcomer types it: outside of the lab, on a built or a fresh checkout."""

import hashlib
import pathlib
import subprocess

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 1200  # seconds; it builds where nothing is built


def quickstart(*words):
    done = subprocess.run([CHECKOUT / "examples/quickstart.sh", *words], text=True, check=False,
                          capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def fingerprint(directory):
    return {path.relative_to(directory): (path.lstat().st_mode, path.lstat().st_mtime_ns,
                                          hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None)
            for path in directory.rglob("*")}


def test_the_example_project():
    shown = quickstart()
    assert any(line.startswith("  | building in /workspace as uid 0, platform API ") for line in shown)
    assert "  | node_modules is not here: installing our own" in shown
    assert "D pages/old.txt" in [line.strip() for line in shown]
    assert any(line.strip().startswith("unchanged") for line in shown), "\n".join(shown)


def test_a_directory_of_ones_own(tmp_path):
    for name, text in {".dockerignore": "secret\n", "secret": "s\n", "main.c": "int main;\n"}.items():
        (tmp_path / name).write_text(text)
    before = fingerprint(tmp_path)
    shown = quickstart(tmp_path)
    assert "  | 2 files in /workspace" in shown
    assert "A written-by-quickstart" in [line.strip() for line in shown]
    assert fingerprint(tmp_path) == before
