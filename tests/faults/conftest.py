"""Hooks on a bare bundle: what fails, and who means harm, at every moment. Run it through the lab:

    tests/lab/enter host python3 -m pytest tests/faults
"""

import os
import shutil

import pytest

from bundle import Bundle
from kit import traces
from kit.fixtures import (  # noqa: F401  (fixtures)
    log, make_source, programs, room, rootless, source)


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests mount: run them as tests/lab/enter host python3 -m pytest tests/faults")


@pytest.fixture
def bundle(room, programs, source):  # noqa: F811
    """A bundle over the example tree; its store is new for each test."""
    made = Bundle(room, programs, source)
    yield made
    made.remove()


@pytest.fixture
def configured():
    """configured(text): what the hooks find in config.toml; gone afterwards."""
    directory = traces.settings_directory()

    def write(text):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        (directory / "config.toml").write_text(text)

    yield write
    shutil.rmtree(directory, ignore_errors=True)


_TOLD = []


@pytest.fixture
def told(request):
    """told(text): a count that a run of the tier shows at its end."""
    return lambda text: _TOLD.append(f"{request.node.name}: {text}")


def pytest_terminal_summary(terminalreporter):
    for line in _TOLD:
        terminalreporter.write_line(line)
