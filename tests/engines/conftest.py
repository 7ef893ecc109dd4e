"""Engines, hooks and sources for the tests, and the checks that hold after each of them.

Run it through the lab, once for each user and each Debian:

    tests/lab/enter [--user] [host|trixie] python3 -m pytest tests/engines
"""

import os
import pathlib
import shutil
import tempfile

import pytest

from kit.bare import Bare
from kit.engine import must
from kit.fixtures import (  # noqa: F401  (fixtures)
    ask, log, make_source, nothing_left, programs, room, rootless, source)
from kit.hooks import INSTALLED, Hooks
from kit.podman import Podman
from kit.selection import fits_user, keep

PODMANS = ("podman-crun", "podman-runc")
BARE = ("crun", "runc")


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests start containers: run them as tests/lab/enter [--user] [host|trixie] "
            "python3 -m pytest tests/engines"
        )


def pytest_collection_modifyitems(config, items):
    """A test for the other kind of user, or for a newer podman, isn't part of this run at all."""
    version = Podman.version()

    def fits(item):
        since = item.get_closest_marker("podman_since")
        return fits_user(item) and (since is None or version >= since.args[0])

    keep(config, items, fits)


@pytest.fixture(scope="session")
def engines(room, programs, log):
    made = {f"podman-{runtime}": Podman(runtime, log) for runtime in BARE}
    made |= {runtime: Bare(runtime, log, room / "bundles", programs) for runtime in BARE}
    # podman's first start makes mounts and a pause process that are not a container's.
    must(["podman", "info"])
    return made


@pytest.fixture(params=(*PODMANS, *BARE))
def engine(request, engines):
    return engines[request.param]


@pytest.fixture(params=PODMANS)
def podman(request, engines):
    return engines[request.param]


@pytest.fixture(params=BARE)
def bare(request, engines):
    return engines[request.param]


@pytest.fixture
def make_hooks(room, programs):
    """make_hooks(*stages, when=...): hooks.d directories with these stages."""
    made = []

    def make(*stages, **options):
        directory = tempfile.mkdtemp(prefix="hooks-", dir=room)
        made.append(directory)
        return Hooks(directory, programs, stages, **options)

    yield make
    for directory in made:
        shutil.rmtree(directory)


@pytest.fixture
def hooks(make_hooks):
    """The hooks as they are installed."""
    return make_hooks(*INSTALLED)


@pytest.fixture
def settings(rootless):
    """settings(text): the configuration file of this user; gone afterwards."""
    directory = (
        pathlib.Path.home() / ".config/oci-cnb-hooks"
        if rootless
        else pathlib.Path("/etc/oci-cnb-hooks")
    )

    def write(text):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        path = directory / "config.toml"
        path.write_text(text)
        path.chmod(0o644)

    yield write
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean(engines, nothing_left):
    """nothing_left for every test, once the engines have made what they keep."""
