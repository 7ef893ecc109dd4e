"""A virtual machine as on macOS and Windows: sources come over virtiofs and 9p. Run it through the lab:

    kernel=$(tests/lab/kernel.sh)
    OCI_CNB_KERNEL=$kernel tests/lab/enter --bind "$kernel" host python3 -m pytest tests/guest

OCI_CNB_RESULTS  where the JUnit file of the suite inside is put
OCI_CNB_ACCEL    QEMU's accelerator (tcg); kvm where it works
"""

import os
import pathlib

import pytest

import machine
from kit import source
from kit.fixtures import room  # noqa: F401  (fixture)
from table import SHARED
from trees import fill


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB") or not os.environ.get("OCI_CNB_KERNEL"):
        raise pytest.UsageError("these tests start a virtual machine: tests/run.sh guest")


@pytest.fixture(scope="session")
def shares(room):  # noqa: F811
    """{name: directory}: what the guest sees of this machine besides its root."""
    directories = {name: room / "shares" / name for name in (*SHARED, "results")}
    for directory in directories.values():
        directory.mkdir(parents=True)
        directory.chmod(0o755)
    for name in SHARED:
        fill(directories[name], os.getuid(), os.getgid())
    return directories


@pytest.fixture(scope="session")
def before(shares):
    """{share: {kind of source: its fingerprint}} before the guest starts."""
    return {name: fingerprints(shares[name]) for name in SHARED}


def fingerprints(share):
    return {path.parent.name: source.fingerprint(path) for path in share.glob("*/source")}


@pytest.fixture(scope="session")
def guest(room, shares, before):  # noqa: F811
    """A guest that has run and ended: its results, and what it wrote on its console."""
    kernel = pathlib.Path(os.environ["OCI_CNB_KERNEL"])
    return machine.run(room, kernel, shares)
