"""The programs on kernels that lack system calls. Run it through the lab, once for each user:

    tests/lab/enter [--user] host python3 -m pytest tests/kernels
"""

import os

import pytest

from kit.fixtures import (  # noqa: F401  (fixtures)
    log, make_source, nothing_left, programs, room, rootless, source)
from kit.selection import fits_user, keep


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests start containers: run them as tests/lab/enter [--user] host "
            "python3 -m pytest tests/kernels"
        )


def pytest_collection_modifyitems(config, items):
    keep(config, items, fits_user)


@pytest.fixture(autouse=True)
def clean(nothing_left):  # noqa: F811
    """nothing_left for every test."""
