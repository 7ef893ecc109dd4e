"""Every command in the pages of packaging/doc, typed as it stands, answers what the page says.

A line `...` stands for any lines, `...` in a line for any part of it. A word after ```console says for whom the
block is: `rootful`, `rootless`, or an engine and its version, as `docker>=25`.
"""

import os
import pathlib
import re
import shutil
import tempfile

import pytest
import services
from kit import rootfs
from kit.ctr import heard

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(CHECKOUT.glob("packaging/doc/*.md"))
WITH_COMMANDS = [path for path in PAGES if "```console" in path.read_text()]


def examples(text, fits=lambda condition: True):
    """(commands, expected lines): `$ ` begins a command, which goes on while it isn't whole."""
    for condition, block in re.findall(r"^```console(?: (\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if condition and not fits(condition):
            continue
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
        else:
            parts.append(".*".join(map(re.escape, line.split("..."))) + r"\n")
    return "".join(parts)


FOR_EVERYBODY = ("podman", "buildah", "bundles")
CASES = [*((page, "root") for page in WITH_COMMANDS),
         *((page, "user") for page in WITH_COMMANDS if page.stem in FOR_EVERYBODY)]


@pytest.fixture(scope="module")
def busybox(root, user):
    # As where root has run runc, and a plain user runs it next.
    pathlib.Path("/run/runc").mkdir(mode=0o700, exist_ok=True)
    for person in (root, user):
        person.must("podman", "import", "--quiet", "-", "localhost/busybox", stdin=rootfs.tarball("basic"))
    yield
    for person in (root, user):
        person.must("podman", "rmi", "localhost/busybox")


@pytest.fixture
def home(room):
    """A directory of this person, for one page."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="page-", dir=room))
    yield path
    shutil.rmtree(path)


class Shell:
    """What somebody types, one command after another; the directory is kept."""

    def __init__(self, person, home, service):
        os.chown(home, person.uid, person.gid)
        self._person = person
        self._state = home / ".state"
        self._where = home
        self._service = service

    def fits(self, condition):
        if condition in ("rootful", "rootless"):
            return condition == ("rootless" if self._person.uid else "rootful")
        return self._service.fits(condition)

    def type(self, command):
        """What is shown, as on a terminal: an error comes before what the shell says of it. And the exit code."""
        if command in self._service.answers:
            return self._service.answers[command](self._where), 0
        script = f"{command}\nstatus=$?; pwd > {self._state}; exit $status"
        result = self._person.run("bash", "-c", script, cwd=self._where, variables=self._service.variables)
        self._where = pathlib.Path(self._state.read_text().strip())
        return result.stderr + result.stdout, result.status


def lost(command, expected, shown, status):
    """Something has to be shown, and the container's process ended well."""
    return "ctr run" in command and bool(expected) and status == 0 and not shown


@pytest.mark.parametrize("page, who", CASES, ids=lambda value: getattr(value, "stem", value))
def test_page(request, installed, busybox, home, page, who):
    with services.OF_PAGES.get(page.stem, services.NoService)() as service:
        shell = Shell(request.getfixturevalue(who), home, service)
        found = list(examples(page.read_text(), shell.fits))
        assert found
        for command, expected in found:
            shown, status = heard(lambda: shell.type(command), lambda result: lost(command, expected, *result))
            assert re.fullmatch(pattern(expected), shown), (
                f"{command}\n--- expected\n{expected}\n--- shown, exit code {status}\n{shown}")


def test_links_lead_somewhere():
    for page in [*PAGES, CHECKOUT / "README.md", *CHECKOUT.glob("examples/**/README.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_index_has_every_page():
    index = (CHECKOUT / "packaging/doc/README.md").read_text()
    assert {path.name for path in PAGES} - {"README.md"} == set(re.findall(r"\]\((\w[\w-]*\.md)\)", index))
