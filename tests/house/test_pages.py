"""Pages of the documentation that are compared with what they tell of."""

import importlib.util
import json
import re
import xml.etree.ElementTree

import pytest
from conftest import CHECKOUT, tracked


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_file_systems():
    """packaging/doc/file-systems.md is what tests/filesystems/table.py prints."""
    table = load(CHECKOUT / "tests/filesystems/table.py")
    assert (CHECKOUT / "packaging/doc/file-systems.md").read_text() == table.page()


def test_plots():
    """The plots of performance.md, and what it tells of the machine, are those of the numbers beside it."""
    folder = CHECKOUT / "packaging/doc"
    data = json.loads((folder / "performance.json").read_text())
    made = load(CHECKOUT / "tests/bench/plot.py").plots(data)
    assert set(made) == {path.name for path in folder.glob("performance-*.svg")}
    text = (folder / "performance.md").read_text()
    for name, svg in made.items():
        assert (folder / name).read_text() == svg, f"draw again: tests/bench/plot.py ({name})"
        assert f"]({name})" in text
        xml.etree.ElementTree.fromstring(svg)
    machine = data["machine"]
    told = [f"`{data['command']}`", f"{machine['processor']}, {machine['cpus']} cores", machine["memory"],
            machine["kernel"], machine["system"], f"| load | {machine['load']},", *machine["programs"]]
    assert [words for words in told if words not in text] == []
    assert len(data["rows"]) > 20 and all(len(row) == 6 for row in data["rows"])


def codes():
    """{name: (a hook's exit code, oci-cnb's)}"""
    table = (CHECKOUT / "libhookcore/base/error.cpp").read_text()
    found = re.findall(r'\{Code::k\w+, "([a-z-]+)", (\d+), (\d+)\}', table)
    return {name: (hook, cli) for name, hook, cli in found}


def sections():
    """{heading: text} of the page of errors."""
    parts = re.split(r"^## (.*)$", (CHECKOUT / "packaging/doc/errors.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_every_code_has_its_section():
    assert list(sections()) == list(codes())
    for name, (hook, cli) in codes().items():
        text = sections()[name].split("|")[0]
        assert set(re.findall(r"\d+", text)) == {hook, cli}, name


@pytest.mark.parametrize("name", codes())
def test_every_message_is_one_of_ours(name):
    """As the sources have it: a literal may go on in the next line."""
    texts = [re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in tracked("libhookcore/*.cpp", "hooks/*.cpp")]
    messages = re.findall(r"^\| `([^`]+)` \|", sections()[name], flags=re.MULTILINE)
    assert len(messages) >= 3
    assert [message for message in messages if not any(message in text for text in texts)] == []
