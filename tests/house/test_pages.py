"""Pages of the documentation that are made from what tests expect."""

import importlib.util
import pathlib

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_file_systems():
    """packaging/doc/file-systems.md is what tests/filesystems/table.py prints."""
    table = load(CHECKOUT / "tests/filesystems/table.py")
    assert (CHECKOUT / "packaging/doc/file-systems.md").read_text() == table.page()
