"""What the packages are to those who build and ship them: the same bytes, and clean."""

import hashlib
import os
import subprocess

import pytest
from conftest import BUILD, CHECKOUT
from machine import must

pytestmark = pytest.mark.build_machine
KINDS = ("*.deb", "*.rpm", "*.tar.gz")


def digests(directory):
    found = {}
    for kind in KINDS:
        (package,) = directory.glob(f"oci-cnb-hooks{kind}")
        found[package.name] = hashlib.sha256(package.read_bytes()).hexdigest()
    return found


def test_two_builds_one_digest(room):
    """Another directory, no compiler cache, another umask and time zone."""
    elsewhere = room / "somewhere-else"
    elsewhere.mkdir()
    files = subprocess.run(["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"],
                           cwd=CHECKOUT, check=True, capture_output=True).stdout
    subprocess.run(["cp", "-P", "--parents", "-t", elsewhere, "--",
                    *filter(None, files.decode().split("\0"))], cwd=CHECKOUT, check=True)
    env = {**os.environ, "CCACHE_DISABLE": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}

    def step(umask, *words):
        done = subprocess.run(words, cwd=elsewhere, env=env, capture_output=True, text=True,
                              check=False, umask=umask)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]

    step(0o077, "cmake", "--preset", "release", "-DOCI_CNB_TESTS=OFF")
    step(0o077, "cmake", "--build", "--preset", "release")
    expected = digests(BUILD)
    # The umask under which a .deb is packed is in it: cpack takes the modes of ar's members from it.
    step(0o022, "env", "--chdir=build/release", "cpack")
    assert digests(elsewhere / "build/release") == expected
    step(0o077, "env", "--chdir=build/release", "cpack", "-G", "RPM")
    step(0o077, "env", "--chdir=build/release", "cpack", "-G", "External")
    assert digests(elsewhere / "build/release") == expected


def test_lintian(deb):
    must(["lintian", "--allow-root", "--fail-on", "error,warning", "--no-tag-display-limit", deb])
