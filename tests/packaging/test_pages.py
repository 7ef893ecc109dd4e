"""Every command in the pages of packaging/doc, typed as it stands, answers what the page says.

A line `...` stands for any lines, `...` at the end of a line for the rest of it.
"""

import pathlib
import re
import shutil

import machine
import pytest
from kit import rootfs

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(CHECKOUT.glob("packaging/doc/*.md"))
WITH_COMMANDS = [path for path in PAGES if "```console" in path.read_text()]


def examples(text):
    """(commands, expected lines): `$ ` begins a command, which goes on while it isn't whole."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        command, expected = "", []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, expected
                command, expected = line[2:], []
            elif goes_on(command):
                command += "\n" + line
            else:
                expected.append(line)
        yield command, expected


def goes_on(command):
    here = re.search(r"<<'(\w+)'", command)
    if here:
        return not command.endswith("\n" + here.group(1))
    return command.endswith(("\\", "|"))


def pattern(expected):
    parts = []
    for line in expected:
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        elif line.endswith("..."):
            parts.append(re.escape(line[:-3]) + r".*\n")
        else:
            parts.append(re.escape(line) + r"\n")
    return "".join(parts)


@pytest.fixture(scope="module")
def busybox(root):
    root.must("podman", "import", "--quiet", "-", "localhost/busybox", stdin=rootfs.tarball("basic"))
    yield
    root.must("podman", "rmi", "localhost/busybox")


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_page(installed, busybox, room, page):
    home = room / f"page-{page.stem}"
    home.mkdir()
    state = home / ".state"  # the shell's directory, from one command to the next
    where = home
    found = list(examples(page.read_text()))
    assert found
    for command, expected in found:
        result = machine.run(["bash", "-c", f"{command}\nstatus=$?; pwd > {state}; exit $status"],
                             cwd=where)
        # As on a terminal: an error comes before what the shell says of it.
        assert re.fullmatch(pattern(expected), result.stderr + result.stdout), (
            f"{command}\n--- expected\n{expected}\n{result}")
        where = pathlib.Path(state.read_text().strip())
    shutil.rmtree(home)


def test_links_lead_somewhere():
    for page in [*PAGES, CHECKOUT / "README.md", *CHECKOUT.glob("examples/**/README.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_index_has_every_page():
    index = (CHECKOUT / "packaging/doc/README.md").read_text()
    assert {path.name for path in PAGES} - {"README.md"} == set(re.findall(r"\]\((\w[\w-]*\.md)\)", index))
