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
    missed = [f"| `{row['what']}` | {row['ratio']} | {row['bar']} |" for row in data["rows"] if row["met"] == "missed"]
    assert [words for words in missed if words not in text] == []
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


# Who types the commands of a page, and who takes what somebody would paste; packaging/doc/*.md are typed by name.
TYPED = {
    "README.md": "tests/packaging/test_pages.py",
    "CONTRIBUTING.md": "tests/house/test_pages.py",
    "packaging/kubernetes/README.md": "tests/kubernetes/test_readme.py",
    "examples/README.md": "tests/engines/test_examples.py",
    "examples/buildpack-build/README.md": "tests/build/test_example.py",
    "examples/projects/README.md": "tests/cli/test_examples.py",
    "examples/wsl2/README.md": "tests/engines/test_examples.py",
}
PASTED = {("README.md", "toml"): "tests/runtime/test_containerd.py",
          ("packaging/doc/administration.md", "yaml"): "tests/packaging/test_pages.py"}
# Of macOS and Windows, where no test of ours runs: what can be looked at is.
ELSEWHERE = {"examples/lima/README.md", "examples/podman-machine/README.md"}
SHOWN_ONLY = {"text", "mermaid"}


def blocks():
    """{(page, language)} of every block in every page."""
    return {(str(path.relative_to(CHECKOUT)), language) for path in tracked("*.md")
            for language in re.findall(r"^ *```(\w+)(?: \S+)?$", path.read_text(), flags=re.MULTILINE)}


def test_every_block_is_tried():
    """What stands in a block is typed, or pasted, by a test."""
    commands = {page for page, language in blocks() if language == "console"}
    assert {page for page in commands if not page.startswith("packaging/doc/")} == {*TYPED, *ELSEWHERE}
    assert {(page, language) for page, language in blocks() - {(page, "console") for page in commands}
            if language not in SHOWN_ONLY} == set(PASTED)
    for page, path in [*TYPED.items(), *((page, path) for (page, _), path in PASTED.items())]:
        name = page.removesuffix("/README.md").removeprefix("examples/").removeprefix("packaging/doc/")
        assert name in (CHECKOUT / path).read_text(), f"{path} names no {name}"


def commands_of(page):
    found = re.findall(r"^```console\n(.*?)^```$", (CHECKOUT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"  +# .*", "", line[2:]) for block in found for line in block.splitlines()
            if line.startswith("$ ")]


def test_commands_of_contributing():
    """They are those by which everything here is built and tested."""
    script = (CHECKOUT / "tests/run.sh").read_text()
    parts = {"tests/lab/install.sh": "tests/lab/install.sh",
             "cmake --preset release && cmake --build --preset release": 'cmake --preset "$preset"',
             "ctest --preset release": "ctest --test-dir", "tests/run.sh": "main"}
    assert commands_of("CONTRIBUTING.md") == list(parts)
    assert all(part in script for part in parts.values())


@pytest.mark.parametrize("page", sorted(ELSEWHERE))
def test_commands_of_elsewhere(page):
    """Files that they name are there, and they opt in by what the hooks know."""
    for command in commands_of(page):
        for name in re.findall(r"(?<!\S)(?:\./)?([\w-]+\.(?:sh|yaml))\b", command):
            assert (CHECKOUT / page).with_name(name).exists(), command
        assert set(re.findall(r"io\.cnb\.hooks\.\S+", command)) <= {"io.cnb.hooks.role=dev"}, command
