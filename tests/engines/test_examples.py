"""examples/dev-shell and examples/quadlet, as people use them."""

import os
import pathlib
import re
import shlex
import shutil

import pytest

from kit import traces
from kit.engine import execute, must
from kit.fixtures import CHECKOUT
from kit.pages import examples, pattern
from kit.podman import Podman

EXAMPLES = CHECKOUT / "examples"
GENERATORS = [pathlib.Path(path) / "podman/quadlet" for path in ("/usr/libexec", "/usr/lib")]


@pytest.fixture
def project(room):
    """A directory that may be changed, since that is what `keep` is for."""
    path = room / "my project"
    path.mkdir()
    (path / ".dockerignore").write_text("node_modules\n")
    (path / "main.c").write_text("int main;\n")
    (path / "node_modules").mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def shell(project, hooks, programs):
    """shell(word...): dev-shell.sh in the project, with a podman and an oci-cnb of the test's."""
    env = {**os.environ, "PATH": f"{programs['oci-cnb'].parent}:{os.environ['PATH']}",
           "OCI_CNB_HOOKS_DIRS": ":".join(map(str, hooks.directories))}

    def run(*words):
        return execute([EXAMPLES / "dev-shell/dev-shell.sh", *words], env=env, cwd=project)

    yield run
    run("drop")
    assert traces.settled(traces.sessions, []) == []


def test_dev_shell(shell, project):
    image = Podman.image("basic")
    first = shell("enter", image, "sh", "-c", "ls; echo 'int x;' >> main.c; echo made > made; rm -f no")
    assert (first.status, first.stdout) == (0, b"main.c\n"), str(first)
    again = shell("enter", image, "cat", "made")
    assert (again.status, again.stdout) == (0, b"made\n"), str(again)
    assert shell("diff").stdout == b"A made\nM main.c\n"
    assert (project / "main.c").read_text() == "int main;\n"

    kept = shell("keep", "--yes", "main.c")
    assert kept.status == 0, str(kept)
    assert (project / "main.c").read_text() == "int main;\nint x;\n"
    assert not (project / "made").exists()

    assert shell("drop").status == 0
    anew = shell("enter", image, "ls")
    assert (anew.status, anew.stdout) == (0, b"main.c\n"), str(anew)


def test_commands_of_the_page(shell, project):
    """examples/README.md, in its order; IMAGE and make are what an image here has."""
    (project / "src").mkdir()
    (project / "src/main.c").write_text("int main;\n")
    image = Podman.image("basic")
    stands_for = {
        "enter IMAGE": ["enter", image, "sh", "-c", "echo 'int x;' >> src/main.c; echo built > out"],
        "enter IMAGE make test": ["enter", image, "cat", "out"],
        "keep src/main.c": ["keep", "--yes", "src/main.c"],
    }
    typed = [(re.sub(r"  +# .*", "", command).removeprefix("dev-shell.sh "), expected)
             for command, expected in examples((EXAMPLES / "README.md").read_text())]
    assert {words for words, _ in typed} > set(stands_for)
    for words, expected in typed:
        result = shell(*stands_for.get(words, words.split()))
        assert result.status == 0, str(result)
        if expected:
            assert re.fullmatch(pattern(expected), result.stdout.decode()), str(result)
    assert (project / "src/main.c").read_text() == "int main;\nint x;\n"
    assert not (project / "out").exists()


def test_command_of_wsl2(project, hooks):
    """examples/wsl2/README.md, as anywhere."""
    ((command, _),) = examples((EXAMPLES / "wsl2/README.md").read_text())
    words = shlex.split(command.replace("$PWD", str(project)))
    assert words[:2] == ["podman", "run"] and words[-2:] == ["IMAGE", "make"]
    result = execute(["podman", *hooks.podman_options(), "run", "--network", "none", *words[2:-2],
                      Podman.image("basic"), "ls"])
    assert (result.status, result.stdout) == (0, b"main.c\n"), str(result)


@pytest.mark.parametrize("words", [[], ["enter"], ["leave"]])
def test_dev_shell_says_how_it_is_called(shell, words):
    result = shell(*words)
    assert result.status == 2
    assert result.stderr.startswith("usage: dev-shell.sh enter IMAGE [COMMAND...]")


@pytest.fixture
def unit(room, project):
    """What podman's generator makes of the example, over the project."""
    folder = room / "quadlet"
    folder.mkdir(exist_ok=True)
    text = (EXAMPLES / "quadlet/dev.container").read_text()
    assert "%h/project" in text
    text = text.replace("%h/project", str(project))
    (folder / "dev.container").write_text(text.replace("localhost/dev:latest", Podman.image("basic")))
    generator = next(path for path in GENERATORS if path.exists())
    user = [] if os.geteuid() == 0 else ["-user"]
    return must([generator, *user, "-dryrun"],
                env={**os.environ, "QUADLET_UNIT_DIRS": str(folder)}).stdout.decode()


@pytest.mark.podman_since((5, 0))
def test_quadlet(unit, project, hooks, programs):
    """There is no systemd in the lab: what its unit starts is started here."""
    (line,) = re.findall(r"^ExecStart=\S*podman (run .*)$", unit, re.MULTILINE)
    words = shlex.split(line.replace("%%", "%"))
    assert words[-3:-1] == ["sh", "-c"] and words[-1].startswith("while :; do date > last-seen")
    of_systemd = re.compile(r"--(sdnotify|cgroups|cidfile)=|-d$")
    options = [word.replace("%N", "dev") for word in words[1:-1] if not of_systemd.match(word)]
    result = execute(["podman", *hooks.podman_options(), "run", *options, "date > last-seen; ls"])
    assert (result.status, result.stdout) == (0, b"last-seen\nmain.c\n"), str(result)
    assert not (project / "last-seen").exists()
    must([programs["oci-cnb"], "session", "rm", "n-dev-server"])
    assert traces.settled(traces.sessions, []) == []
