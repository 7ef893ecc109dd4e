"""Sources and scratch on every file system. Run it through the lab:

    tests/lab/enter host tests/filesystems/run.sh RESULTS
"""

import os
import pathlib
import shutil

import pytest

from kit.fixtures import programs, room, rootless  # noqa: F401  (fixtures)
from kit.selection import fits_user, keep


def pytest_configure():
    if not os.environ.get("OCI_CNB_VOLUMES"):
        raise pytest.UsageError(
            "these tests need file systems: tests/lab/enter host tests/filesystems/run.sh RESULTS")


def pytest_collection_modifyitems(config, items):
    keep(config, items, fits_user)


@pytest.fixture(scope="session")
def volumes():
    return pathlib.Path(os.environ["OCI_CNB_VOLUMES"])


@pytest.fixture
def scratch_dir(rootless):  # noqa: F811
    """scratch_dir(path): the configuration names this directory; gone afterwards."""
    directory = (pathlib.Path.home() / ".config/oci-cnb-hooks" if rootless
                 else pathlib.Path("/etc/oci-cnb-hooks"))

    def write(path):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        (directory / "config.toml").write_text(f'scratch-dir = "{path}"\nway = "overlay"\n')
        (directory / "config.toml").chmod(0o644)

    yield write
    shutil.rmtree(directory, ignore_errors=True)
