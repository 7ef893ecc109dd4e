"""The table of .github/SECURITY.md: each guard and each test that it names is there."""

import re

import pytest
from conftest import CHECKOUT

PAGE = CHECKOUT / ".github/SECURITY.md"
NAME = re.compile(r"\b(?:test_\w+|[A-Z]\w+)\b")


def rows():
    """(advisory, guard, test) of each row of the last table."""
    table = PAGE.read_text().rpartition("\n## ")[2]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and not set(cells[0]) <= set("-"):
            yield cells[0], cells[2], cells[3]


ROWS = list(rows())[1:]


def wrongs(guard, test):
    """What the two cells of a row name that isn't there."""
    found = [path for path in re.findall(r"`([^`]+)`", guard) if not (CHECKOUT / path).is_file()]
    for path, names in re.findall(r"`([^`]+)`([^`]*)", test):
        file = CHECKOUT / path
        text = file.read_text() if file.is_file() else ""
        tests = NAME.findall(names)
        found += [f"{path}: {name}" for name in tests or ["no test"]
                  if not re.search(rf"def {name}\(|TEST\w*\(\w+, {name}\)", text)]
    return found


@pytest.mark.parametrize(("advisory", "guard", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_guard_and_test_are_there(advisory, guard, test):
    assert "`" in guard and "`" in test, advisory
    assert wrongs(guard, test) == []


def test_what_is_absent_is_found():
    assert wrongs("`libhookcore/absent.cpp`", "`tests/house/test_security.py` test_absent") == [
        "libhookcore/absent.cpp", "tests/house/test_security.py: test_absent"]


def test_the_table_is_not_empty():
    assert len(ROWS) > 15


def test_users_find_the_page():
    assert "(.github/SECURITY.md)" in (CHECKOUT / "README.md").read_text()
