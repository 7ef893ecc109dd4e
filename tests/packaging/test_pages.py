"""Every command in the pages of packaging/doc and in README, typed as it stands, answers what is said there.

A word after ```console says for whom the block is: `rootful`, `rootless`, an engine and its version, as
`docker>=25`, or a program that has to be there, as `compose`. In README `page` says that a page has the commands,
`checkout` and `build` that RUN_BY tells what runs them.
"""

import os
import pathlib
import re
import shutil
import tempfile

import pytest
import services
from kit import rootfs
from kit.heard import heard
from kit.pages import examples, pattern

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(CHECKOUT.glob("packaging/doc/*.md"))
WITH_COMMANDS = [path for path in PAGES if "```console" in path.read_text()]


def of_condition(condition):
    """README's commands in blocks of this condition, those in lists too."""
    text = re.sub(r"^  (?=```|\$ )", "", README.read_text(), flags=re.MULTILINE)
    return [command for command, _ in examples(text, lambda one: one == condition)]


README = CHECKOUT / "README.md"
# What begins in a checkout, and a build by a builder image: (condition, word of the command): what runs it
RUN_BY = {
    ("checkout", "examples/quickstart.sh"): "tests/quickstart/test_quickstart.py",
    ("checkout", "examples/buildpack-build/build.sh"): "tests/build/test_example.py",
    ("checkout", "tests/run.sh"): ".ci/run",
    ("checkout", "cmake --preset"): "tests/run.sh",
    ("checkout", "cpack"): "tests/run.sh",
    ("checkout", "tests/lab/sysroot.sh arm64"): "tests/run.sh",
    ("checkout", "doctor"): "tests/packaging/test_doctor.py",
    ("build", "io.cnb.hooks.session="): "examples/buildpack-build/build.sh",
    ("build", "/cnb/lifecycle/"): "examples/buildpack-build/build.sh",
    ("build", "session rm"): "examples/buildpack-build/build.sh",
}
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


@pytest.fixture
def readme_project(home):
    """readme_project(shell): README's project, of the shell's person."""

    def make(shell):
        files = {
            ".dockerignore": ".git\nnode_modules\ntarget\n.env\nlogs/*\n!logs/keep.log\n**/*.tmp\n",
            ".env": "KEY=secret\n", ".git/objects/pack": "x\n", "README.md": "# app\n", "docs/old.md": "old\n",
            "logs/a.log": "GET /\n", "logs/keep.log": "what the logs mean\n", "node_modules/dep/index.js": "0;\n",
            "src/main.c": "int main;\n", "src/run.sh": "./main\n", "target/debug/app": "x" * 3_000_000}
        project = home / "app"
        for name, text in files.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text)
        for path in [project, *project.rglob("*")]:
            shell.give(path)
        return project

    return make


class Shell:
    """What somebody types, one command after another; the directory is kept."""

    def __init__(self, person, home, service):
        self._person = person
        self.give(home)
        self._state = home / ".state"
        self._where = home
        self._service = service

    def give(self, path):
        os.chown(path, self._person.uid, self._person.gid)

    def fits(self, condition):
        if not condition:
            return True
        if condition in ("rootful", "rootless"):
            return condition == ("rootless" if self._person.uid else "rootful")
        return self._service.fits(condition)

    def type(self, command):
        """What is shown, in the order in which a terminal shows it, and the exit code."""
        if command in self._service.answers:
            return self._service.answers[command](self._where), 0
        script = f"exec 2>&1\n{command}\nstatus=$?; pwd > {self._state}; exit $status"
        result = self._person.run("bash", "-c", script, cwd=self._where, variables=self._service.variables)
        self._where = pathlib.Path(self._state.read_text().strip())
        return result.stdout, result.status


def lost(command, expected, shown, status):
    """Something has to be shown, and the container's process ended well."""
    return "ctr run" in command and bool(expected) and status == 0 and not shown


def type_all(shell, page, fits):
    found = list(examples(page.read_text(), fits))
    assert found
    for command, expected in found:
        shown, status = heard(lambda: shell.type(command), lambda result: lost(command, expected, *result))
        assert re.fullmatch(pattern(expected), shown), (
            f"{command}\n--- expected\n{expected}\n--- shown, exit code {status}\n{shown}")


@pytest.mark.parametrize("page, who", CASES, ids=lambda value: getattr(value, "stem", value))
def test_page(request, installed, busybox, home, page, who):
    with services.OF_PAGES.get(page.stem, services.NoService)() as service:
        shell = Shell(request.getfixturevalue(who), home, service)
        type_all(shell, page, shell.fits)


@pytest.mark.parametrize("who", ["root", "user"])
def test_readme(request, installed, busybox, home, readme_project, who):
    shell = Shell(request.getfixturevalue(who), home, services.NoService())
    shell.type(f"cd {readme_project(shell)}")
    type_all(shell, README, lambda condition: condition in ("", "rootful", "rootless") and shell.fits(condition))


def test_what_readme_shows_of_pages():
    """Blocks of a page: as commands there, which are typed, `...` standing for any part."""
    typed = [re.sub(r"\\\n *", "", command) for page in WITH_COMMANDS for command, _ in examples(page.read_text())]
    for command in of_condition("page"):
        wanted = re.compile(".*".join(map(re.escape, re.sub(r"  +# .*", "", command).split("..."))), re.DOTALL)
        assert any(wanted.fullmatch(one) for one in typed), command


@pytest.mark.parametrize("condition", sorted({condition for condition, _ in RUN_BY}))
def test_what_tiers_run(condition):
    ways = {word: CHECKOUT / path for (of, word), path in RUN_BY.items() if of == condition}
    for command in of_condition(condition):
        known = [word for word in ways if word in command]
        assert known, command
        assert all(word in ways[word].read_text() for word in known), command


def test_what_a_tool_would_run(installed, deb, root, room):
    """The block of Ansible in administration.md: its commands, and the words by which it sees a change."""
    text = (CHECKOUT / "packaging/doc/administration.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert re.sub("_[a-z0-9]+.deb$", "", deb.name) in block
    settings, check = re.findall(r"ansible\.builtin\.command: (.*)$", block, re.MULTILINE)
    settings = settings.replace("/srv/scratch", str(room / "scratch")).split()
    idle = re.search(r"""changed_when: "'(.*)' not in""", block).group(1)
    assert idle not in root.must(*settings).stdout
    assert idle in root.must(*settings).stdout
    root.must(*check.split())
    root.must("oci-cnb", "config", "unset", *(word.split("=")[0] for word in settings if "=" in word))


def test_links_lead_somewhere():
    for page in [*PAGES, README, *CHECKOUT.glob("examples/**/README.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_index_has_every_page():
    index = (CHECKOUT / "packaging/doc/README.md").read_text()
    assert {path.name for path in PAGES} - {"README.md"} == set(re.findall(r"\]\((\w[\w-]*\.md)\)", index))


def test_every_page_is_in_the_package(installed):
    there = {path.name for path in pathlib.Path("/usr/share/doc/oci-cnb-hooks").iterdir()}
    assert {path.name for path in PAGES} - there <= {"README.md"}  # whose place README itself has
    assert {"README.md", "changelog.gz", "SECURITY.md"} <= there
