"""Builds with the real lifecycle. Run it through the lab, with a lifecycle:

    CNB_LIFECYCLE_DIR=$(tests/lab/lifecycle.sh) tests/lab/enter [--user] python3 -m pytest tests/build
"""

import functools
import os
import pathlib
import shutil
import tempfile
import uuid

import builder
import pytest
from builds import Build, new_layout, own

from kit.bare import Bare
from kit.engine import must
from kit.fixtures import (  # noqa: F401  (fixtures)
    log, make_source, nothing_left, programs, room, rootless)
from kit.hooks import INSTALLED, Hooks
from kit.podman import Podman
from kit.selection import fits_user, keep


def pytest_configure():
    for name in ("OCI_CNB_IN_LAB", "CNB_LIFECYCLE_DIR"):
        if not os.environ.get(name):
            raise pytest.UsageError(
                f"{name} is not set: run these tests as CNB_LIFECYCLE_DIR=$(tests/lab/lifecycle.sh) "
                "tests/lab/enter [--user] python3 -m pytest tests/build"
            )


def pytest_collection_modifyitems(config, items):
    keep(config, items, fits_user)


@pytest.fixture(scope="session")
def engines(room, programs, log):  # noqa: F811
    builder.register(os.environ["CNB_LIFECYCLE_DIR"])
    # podman's first start makes mounts and a pause process that are not a container's.
    must(["podman", "info"])
    return {"podman": Podman("crun", log), "crun": Bare("crun", log, room / "bundles", programs)}


@pytest.fixture(scope="session")
def hooks(room, programs):  # noqa: F811
    return Hooks(tempfile.mkdtemp(prefix="hooks-", dir=room), programs, INSTALLED)


@pytest.fixture
def source(make_source, rootless):  # noqa: F811
    """source(owner): the application; a plain user's is his own."""
    return lambda owner: make_source(None if rootless else owner, fill=builder.application)


@pytest.fixture
def build(engines, hooks, source, room):  # noqa: F811
    """build(engine, uid, owner): a build by the hooks, as uid, over a source of owner."""
    made = []

    def make(engine, uid, owner):
        made.append(new_layout(room, uid))
        return Build(engines[engine], hooks, uid, source(owner), made[-1])

    yield make
    for layout in made:
        shutil.rmtree(layout)


@pytest.fixture(scope="session")
def plain_digest(engines, programs, room):  # noqa: F811
    """plain_digest(uid, filtered): of the image that is built without hooks, over a copy."""

    @functools.lru_cache(maxsize=None)
    def digest(uid, filtered):
        work = pathlib.Path(tempfile.mkdtemp(prefix="plain-", dir=room))
        work.chmod(0o755)
        source = work / "source"
        source.mkdir()
        builder.application(str(source))
        if filtered:
            source = builder.filtered_copy(programs["oci-cnb"], str(source), work / "copy")
        own(source, uid)
        layout = new_layout(work, uid)
        image = Build(engines["podman"], None, uid, str(source), layout).creator()
        shutil.rmtree(work)
        return image.digest

    return digest


@pytest.fixture
def session(programs):  # noqa: F811
    """A session's name; the session is removed at the end."""
    name = f"lab-{uuid.uuid4().hex[:8]}"
    yield name
    must([programs["oci-cnb"], "session", "rm", f"n-{name}"])


@pytest.fixture(autouse=True)
def clean(engines, nothing_left):  # noqa: F811
    """nothing_left for every test, once the engines have made what they keep."""
