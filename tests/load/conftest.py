"""Many containers at once, and what is killed among them. Run it through the lab:

    tests/lab/enter [--user] [host|trixie|sid] python3 -m pytest tests/load

A storm chooses by one generator. OCI_CNB_SEED and OCI_CNB_STORM_SECONDS (150) repeat one, or make a
longer one.
"""

import os

import pytest

from kit import traces
from kit.engine import must
from kit.fixtures import (  # noqa: F401  (fixtures)
    log, make_source, programs, room, rootless, source)
from kit.hooks import INSTALLED, Hooks
from kit.podman import Podman

RUNTIMES = ("crun", "runc")


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests start containers: run them as tests/lab/enter [--user] [host|trixie|sid] "
            "python3 -m pytest tests/load"
        )


@pytest.fixture(scope="session")
def podmans(log):  # noqa: F811
    """One for each runtime; their containers are the same podman's."""
    # Makes mounts and a pause process that are not a container's, and the image.
    must(["podman", "info"])
    Podman.image("basic")
    return [Podman(runtime, log) for runtime in RUNTIMES]


@pytest.fixture(scope="session")
def hooks(room, programs):  # noqa: F811
    """As they are installed."""
    return Hooks(room / "hooks", programs, INSTALLED)


@pytest.fixture
def mounts_before(podmans):
    """The host's mounts before the test."""
    return traces.mounts()
