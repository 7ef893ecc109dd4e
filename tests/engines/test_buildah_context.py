"""What `oci-cnb context list` shows against what `COPY . .` of a real buildah copies.

The contract is BuildKit's meaning; buildah follows it but for the deviations listed here one by one.
A deviation that is no longer there fails too, so that the list stays true.
"""

import pathlib
import shutil
import tarfile
import tempfile

import pytest

from kit.engine import must

pytestmark = pytest.mark.rootful

TREE = (
    "README.md", "docs/guide.md", "src/main.py", "src/main.pyc", "src/deep/er/mod.py",
    "node_modules/left/index.js", "node_modules/keep/index.js", "web/node_modules/x/index.js",
    "logs/today.log", "logs/.keep", "web/app.log", "a/b/c", "a/d", "a|b", "package (1)", ".env",
    ".git/config", "storage/db", "storage/.keep", " x", "empty/",
)

# name: (rules, what only buildah copies, what only we show, why)
CASES = {
    "names": (".git\nnode_modules\n.env\n", (), (), ""),
    "wildcards": ("*.md\nlogs/*\nsrc/*.pyc\n", (), (), ""),
    "anywhere": ("**/node_modules\n**/*.log\n**/*.py\n", (), (), ""),
    "slashes": ("/docs/\n./src/\nnode_modules/\n", (), (), ""),
    "last match wins": ("*.md\n!README.md\nlogs/*\n!logs/.keep\n", (), (), ""),
    "back from an excluded directory": (
        "node_modules\n!node_modules/keep\n", (), (), "",
    ),
    "everything but": ("*\n!src\nsrc/deep\n", (), (), ""),
    "classes": ("[a]/d\n[^a-z]*.md\n", (), (), ""),
    "suffix of a name": (
        "**.md\n", ("README.md", "docs/guide.md"), (),
        "**x is a suffix of the path to BuildKit, a whole component to buildah (buildah#6417)",
    ),
    "blank behind the bang": (
        "*\n! README.md\n", (), ("README.md",), "buildah takes the name to be ' README.md'",
    ),
    "dots in a negation": (
        "*\n!src/../docs\n", (), ("docs/", "docs/guide.md"), "buildah doesn't resolve '..' there",
    ),
    "alternatives": (
        "a|b\n", (), (
            "a/", "a/b/", "a/b/c", "a/d", "storage/db", "web/", "web/app.log",
            "web/node_modules/", "web/node_modules/x/", "web/node_modules/x/index.js",
        ),
        "'|' leaks into buildah's regular expression: all that begins with a or ends in b",
    ),
    "parentheses": (
        "package (1)\n", ("package (1)",), (), "'(' leaks into buildah's regular expression",
    ),
    "a hit that BuildKit doesn't inherit": (
        "/storage/*\n!/storage/\n!/storage/.keep\n", ("storage/db",), (),
        "buildah tests a path with its parents (rule 24)",
    ),
    "names anywhere come back": (
        "*\n!**/*.py\n", (),
        ("src/", "src/deep/", "src/deep/er/", "src/deep/er/mod.py", "src/main.py"),
        "buildah doesn't enter an excluded directory for a wildcard (buildah#6615)",
    ),
}


@pytest.fixture(scope="module")
def storage():
    path = pathlib.Path(tempfile.mkdtemp(prefix="buildah-context-"))
    yield path
    shutil.rmtree(path)


def make_context(directory, rules):
    for entry in TREE:
        path = directory / entry
        if entry.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(entry)
    (directory / ".dockerignore").write_text(rules)


def copied_by_buildah(storage, context):
    containerfile, result = storage / "Containerfile", storage / "result.tar"
    containerfile.write_text("FROM scratch\nCOPY . /\n")
    must([
        "buildah", "--storage-driver", "vfs", "--root", storage / "root",
        "--runroot", storage / "run", "bud", "--isolation", "chroot", "--no-cache", "-q",
        "-f", containerfile, "--output", f"type=tar,dest={result}", context,
    ])
    with tarfile.open(result) as archive:
        paths = {entry.name.strip("/") + ("/" if entry.isdir() else "") for entry in archive}
    return paths - {"/", "./"}


@pytest.mark.parametrize("name", CASES)
def test_same_context(name, programs, storage, tmp_path):
    rules, only_buildah, only_ours, _why = CASES[name]
    make_context(tmp_path, rules)
    listed = must([programs["oci-cnb"], "context", "list", "-0", tmp_path]).stdout.decode()
    ours = set(filter(None, listed.split("\0")))
    theirs = copied_by_buildah(storage, tmp_path)
    assert theirs - ours == set(only_buildah)
    assert ours - theirs == set(only_ours)
