"""The programs for arm64, built here and run under qemu-user beside those of this machine:

    python3 -m pytest tests/arm64

QEMU hands few of the mount calls on, so what is tried is what needs none of them. OCI_CNB_SYSROOT is
what the programs were built with.
"""

import os
import pathlib

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NATIVE = CHECKOUT / "build/release/bin"
CROSS = CHECKOUT / "build/arm64/bin"
PROGRAMS = sorted(path.name for path in NATIVE.glob("oci-cnb*"))


def pytest_configure():
    if not os.environ.get("OCI_CNB_SYSROOT"):
        raise pytest.UsageError("set OCI_CNB_SYSROOT to what tests/lab/sysroot.sh arm64 prints")
