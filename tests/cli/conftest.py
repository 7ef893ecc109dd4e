"""`oci-cnb context`, `preview` and `session` as people call them.

Run it through the lab, once for each user:

    tests/lab/enter [--user] [host|trixie] python3 -m pytest tests/cli
"""

import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests leave scratch in the user's home: run them as tests/lab/enter [--user] "
            "python3 -m pytest tests/cli"
        )


def pytest_collection_modifyitems(config, items):
    unfit = "rootless" if os.geteuid() == 0 else "rootful"
    unfit = [unfit] if shutil.which("cmake") else [unfit, "build_machine"]

    def fits(item):
        return not any(item.get_closest_marker(name) for name in unfit)

    config.hook.pytest_deselected(items=[item for item in items if not fits(item)])
    items[:] = [item for item in items if fits(item)]


def find_program():
    """OCI_CNB_STAGE (an installed prefix), then the release build."""
    for root in filter(None, (os.environ.get("OCI_CNB_STAGE"), CHECKOUT / "build/release/bin")):
        for path in pathlib.Path(root).rglob("oci-cnb"):
            if path.is_file() and os.access(path, os.X_OK):
                return path
    raise FileNotFoundError("no oci-cnb: build first, or set OCI_CNB_STAGE")


def default_signals():
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Oci:
    """The program, and where it keeps its scratch."""

    def __init__(self, path):
        self.path = path
        home = pathlib.Path(os.path.expanduser("~"))
        root = home / ".local/share/oci-cnb-hooks"
        self.store = pathlib.Path("/var/lib/oci-cnb-hooks") if os.geteuid() == 0 else root

    def words(self, *words):
        return [str(self.path), *map(str, words)]

    def run(self, *words, **options):
        options.setdefault("timeout", 60)
        return subprocess.run(self.words(*words), capture_output=True, check=False,
                              encoding="utf-8", errors="surrogateescape", **options)

    def start(self, *words, **options):
        # A shell can't trap what was ignored when it started (POSIX), and tests run under nohup too.
        options.setdefault("preexec_fn", default_signals)
        return subprocess.Popen(self.words(*words), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def sessions(self):
        return json.loads(self.run("session", "list", "--json").stdout)

    def left(self):
        """Whatever is in sessions and trash."""
        return sorted(
            path.name
            for folder in ("sessions", "trash")
            if (self.store / folder).exists()
            for path in (self.store / folder).iterdir()
        )


    def removers(self):
        """Processes of this program: they remove what is in trash."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                ours = entry.name.isdigit() and os.readlink(entry / "exe") == str(self.path)
            except OSError:
                continue  # it ended meanwhile, or is another user's
            if ours:
                found.append(int(entry.name))
        return found


LIMIT = 120  # seconds, for a machine that is busy


def wait_until(condition):
    """Ends as soon as it holds; gives whether it does."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)  # between two looks at what another process does
    return True


@pytest.fixture(scope="session")
def program():
    room = pathlib.Path(tempfile.mkdtemp(prefix="cli-"))
    copy = shutil.copy(find_program(), room / "oci-cnb")
    yield pathlib.Path(copy)
    shutil.rmtree(room)


@pytest.fixture
def oci(program):
    oci = Oci(program)
    yield oci
    assert wait_until(lambda: oci.left() == []), f"scratch is left behind: {oci.left()}"
    assert wait_until(lambda: oci.removers() == []), "a process is left behind"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The program and its hooks in one directory, as every user may run them."""
    room = tmp_path_factory.mktemp("installed")
    root = pathlib.Path(os.environ.get("OCI_CNB_STAGE") or find_program().parent)
    for path in root.rglob("oci-cnb*"):
        if path.is_file() and os.access(path, os.X_OK):
            shutil.copy(path, room / path.name)
    return room


@pytest.fixture
def cnb(installed):
    oci = Oci(installed / "oci-cnb")
    yield oci
    assert oci.left() == [], "scratch is left behind"
    bundles = oci.store / "bundles"
    assert not bundles.exists() or not list(bundles.iterdir()), "a bundle is left behind"


def fingerprint(root):
    """Everything about a tree but access times."""
    seen = {}
    for directory, folders, files in os.walk(root):
        for path in (directory, *(os.path.join(directory, name) for name in folders + files)):
            status = os.lstat(path)
            contents = b""
            if stat.S_ISREG(status.st_mode):
                contents = pathlib.Path(path).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                contents = os.fsencode(os.readlink(path))
            seen[path] = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns,
                          status.st_ctime_ns, status.st_nlink, contents)
    return seen


@pytest.fixture
def app(tmp_path):
    """A source that has to be the same after each test."""
    app = tmp_path / "app"
    for name, contents in {
        "README.md": "readme\n", "src/main.c": "int main;\n", "src/other.c": "int other;\n",
        "node_modules/dep/index.js": "dep\n", "build/out.o": "o\n", "src/x.o": "o\n",
        ".dockerignore": "node_modules\n**/*.o\n",
    }.items():
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents)
    before = fingerprint(app)
    yield app
    assert fingerprint(app) == before, "the source was changed"
