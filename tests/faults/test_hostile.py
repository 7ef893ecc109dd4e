"""Sources, ignore files and documents of somebody who means harm, or never thought of it.

Each container gets what its rules say, or is refused by one line; the source is the same
afterwards (make_source compares every byte), and nothing is left.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from bundle import Bundle, clear_store, collect, wrongs_inside
from kit import source as tree
from kit import traces
from kit.checks import EXIT_CODES

LONGEST = 255  # bytes, of a name
IGNORE_FILE = b".dockerignore"


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def paths_below(root):
    """Every path below it, however long, by descriptors."""
    found = set()
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for directory, directories, files, _ in os.fwalk(b".", dir_fd=top):
            found |= {os.path.join(directory, name)[2:] for name in directories + files}
    finally:
        os.close(top)
    return found


class Trial:
    """One bundle over one source, and what came of starting it."""

    def __init__(self, room, programs):
        self._room, self._programs = room, programs
        self._mounts = traces.mounts()

    def run(self, source, meanwhile=lambda bundle: None, document=None, look=paths_below):
        """(exit status, stderr, what the workspace shows); meanwhile(bundle) comes before the hook."""
        clear_store()
        bundle = Bundle(self._room, self._programs, source)
        container = bundle.start()
        try:
            meanwhile(bundle)
            state = json.dumps(bundle.state(container)).encode()
            state = document(state) if document else state
            status, errors = bundle.told("createruntime", state)
            seen = look(container.root / "workspace") if status == 0 else None
            assert status == 0 or [path.name for path in container.root.iterdir()] == ["workspace"]
        finally:
            container.end()
        bundle.remove()
        assert collect(self._programs) == []
        assert traces.mounts() == self._mounts
        return status, errors, seen

    def shows(self, source, expected, **more):
        status, errors, seen = self.run(source, **more)
        assert (status, errors) == (0, "")
        assert seen == expected

    def refuses(self, source, code, *fragments, **more):
        status, errors, _ = self.run(source, **more)
        assert status == EXIT_CODES[code], errors
        assert re.fullmatch(rf"oci-cnb-createruntime: {code}: \S.*\n", errors), errors
        for fragment in fragments:
            assert fragment in errors, errors


@pytest.fixture
def trial(room, programs):
    return Trial(room, programs)


# --- the source -----------------------------------------------------------------------------------

ODD_NAMES = (b"a:b", b"a,b", b"a\\b", b"a\nb", b"a\tb", b"\xff\xfe\x80", b"'\"", b"$(x)", b"%s%n",
             b" ", b"-rf", b"\x1b[2J", b"\xe2\x80\xae")


def test_names_are_bytes(trial, make_source):
    """What separates options of a mount, or ends a line, or is no text; and as long as names get."""

    def fill(path):
        root = os.fsencode(path)
        for name in ODD_NAMES:
            os.makedirs(os.path.join(root, b"keep" + name, b"in"))
            os.makedirs(os.path.join(root, b"mask" + name, b"in"))
        write(os.path.join(root, b"k" * LONGEST), b"")
        write(os.path.join(root, b"m" * LONGEST), b"")
        write(os.path.join(root, IGNORE_FILE), b"mask*\nm" + b"m" * (LONGEST - 1) + b"\n")

    expected = {b"keep" + name for name in ODD_NAMES}
    expected |= {name + b"/in" for name in expected} | {b"k" * LONGEST, IGNORE_FILE}
    trial.shows(make_source(fill=fill), expected)


@pytest.mark.parametrize("name", ["with:colon", "with,comma", "back\\slash", "new\nline", "sp ace",
                                  "lowerdir=", "x" * LONGEST])
def test_the_source_has_an_odd_path(trial, room, name):
    """overlayfs takes ":" and "," in the text of an option for something else."""
    outer = tempfile.mkdtemp(prefix="odd-", dir=room)
    source = os.path.join(outer, name)
    tree.make(source)
    before = tree.fingerprint(outer)
    trial.shows(source, tree.visible_paths())
    assert tree.difference(before, tree.fingerprint(outer)) == []
    shutil.rmtree(outer)


DEPTH, STEP = 16, 249  # 4,000 bytes with the slashes


def test_a_path_of_4000_bytes(trial, room):
    """Too long to be given whole, with what is in front of it. The masks are at its end."""
    source = tempfile.mkdtemp(prefix="deep-", dir=room)
    write(os.path.join(os.fsencode(source), IGNORE_FILE), b"**/mask\n")
    at, expected = os.open(source, os.O_PATH), {IGNORE_FILE}
    for level in range(DEPTH):
        os.mkdir(b"d" * STEP, dir_fd=at)
        below = os.open(b"d" * STEP, os.O_PATH, dir_fd=at)
        os.close(at)
        at = below
        expected.add(b"/".join([b"d" * STEP] * (level + 1)))
    for name in (b"keep", b"mask"):
        os.mkdir(name, dir_fd=at)
    os.close(at)
    deepest = b"/".join([b"d" * STEP] * DEPTH)
    everything = expected | {deepest + b"/keep", deepest + b"/mask"}
    trial.shows(source, expected | {deepest + b"/keep"})
    assert len(deepest) > 3990
    assert paths_below(source) == everything
    shutil.rmtree(source)


def test_nothing_is_opened_that_waits_or_answers(trial, make_source):
    """FIFOs and sockets, masked and shown, where rules reach into every directory."""

    def fill(path):
        write(os.path.join(path, ".dockerignore"), b"**/mask*\n")
        for name in ("keep", "mask"):
            os.mkfifo(os.path.join(path, name + "-fifo"))
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(os.path.join(path, name + "-socket"))

    trial.shows(make_source(fill=fill), {IGNORE_FILE, b"keep-fifo", b"keep-socket"})


def test_links_that_lead_out(trial, make_source):
    """Shown as the links that they are; what they lead to is neither read nor masked."""

    def fill(path):
        os.mkdir(os.path.join(path, "real"))
        for name, target in (("etc", "/etc"), ("up", "../../.."), ("loop", "loop"),
                             ("proc", "/proc/self/root"), ("real/out", "/")):
            os.symlink(target, os.path.join(path, name))
        write(os.path.join(path, ".dockerignore"), b"etc/passwd\nup/**\n**/real/out/*\nproc/1\n!etc\n")

    trial.shows(make_source(fill=fill),
                {IGNORE_FILE, b"real", b"etc", b"up", b"loop", b"proc", b"real/out"})


# --- what happens between the start of the container and the hook ----------------------------------

def test_the_source_was_removed(trial, room):
    """The engine's mount shows an empty directory that no longer has a name."""
    source = tempfile.mkdtemp(prefix="gone-", dir=room)
    tree.make(source)
    trial.refuses(source, "source", "/workspace", "was removed", "start the container again",
                  meanwhile=lambda bundle: shutil.rmtree(source))


def test_the_source_was_exchanged(trial, room):
    """The engine's mount counts, not what has its name now."""
    source = tempfile.mkdtemp(prefix="exchanged-", dir=room)
    tree.make(source)

    def exchange(bundle):
        os.rename(source, source + ".away")
        os.symlink("/etc", source)

    trial.shows(source, tree.visible_paths(), meanwhile=exchange)
    os.unlink(source)
    shutil.rmtree(source + ".away")


# --- the ignore file ------------------------------------------------------------------------------

def source_with(make_source, rules, *names):
    def fill(path):
        for name in names:
            os.makedirs(os.path.join(os.fsencode(path), name))
        write(os.path.join(os.fsencode(path), IGNORE_FILE), rules)

    return make_source(fill=fill)


LINES = b"".join(b"absent-%06d/x*\n" % number for number in range(62_000))


@pytest.mark.parametrize(("rules", "masked"), [
    (b"\xef\xbb\xbfa\nb\n", {b"a", b"b"}),
    (b"a\r\nb\r\n", {b"a", b"b"}),
    (b"\xef\xbb\xbf# a\r\n\r\nb", {b"b"}),
    (b"a\rb\n", set()),
    (b"a\n\xef\xbb\xbfb\n", {b"a"}),
    (b"#" + b"x" * (1 << 20) + b"\na\n", None),
], ids=["bom", "crlf", "bom-and-crlf", "cr", "bom-within", "long-line"])
def test_lines_of_the_ignore_file(trial, make_source, rules, masked):
    """As BuildKit's reader takes them: it gives up at a line of 64 KiB."""
    source = source_with(make_source, rules, b"a", b"b", b"c")
    if masked is None:
        trial.refuses(source, "ignore-file", ".dockerignore")
    else:
        trial.shows(source, {IGNORE_FILE, b"a", b"b", b"c"} - masked)


def test_an_ignore_file_of_a_mebibyte(trial, make_source):
    rules = LINES + b"a\n"
    assert len(rules) > 1 << 20
    trial.shows(source_with(make_source, rules, b"a", b"b"), {IGNORE_FILE, b"b"})


@pytest.mark.parametrize(("rules", "fragments"), [
    (b"a\n[\n", ('".dockerignore":2', '"["')),
    (b"a\nb\\\n", ('".dockerignore":2',)),
    (b"a\n[b-\n", ('".dockerignore":2', '"[b-"')),
    (LINES * 5, (".dockerignore",)),
], ids=["bracket", "backslash", "range", "five-mebibytes"])
def test_bad_ignore_files(trial, make_source, rules, fragments):
    trial.refuses(source_with(make_source, rules, b"a"), "ignore-file", *fragments)


def test_an_ignore_file_with_nul(trial, make_source):
    """No name has one, so such a pattern matches nothing; the next line counts."""
    trial.shows(source_with(make_source, b"a\0\nb\n\0\n", b"a", b"b"), {IGNORE_FILE, b"a"})


# --- documents ------------------------------------------------------------------------------------

def with_slashes(document):
    return document.replace(b"/", b"\\/")


def as_crun_writes_it(document):
    state = json.loads(document)
    state |= {"root": state["bundle"] + "/rootfs", "created": "2025-01-01T00:00:00Z",
              "status": "creating", "ociVersion": "1.0", "systemd-scope": "", "owner": ""}
    return json.dumps(state, indent=4).encode() + b"\n"


def as_runc_writes_it(document):
    state = {key: value for key, value in json.loads(document).items() if key != "status"}
    return json.dumps({"ociVersion": "1.0.2-dev", **state, "status": "creating"},
                      separators=(",", ":")).encode()


@pytest.mark.parametrize("form", [with_slashes, as_crun_writes_it, as_runc_writes_it])
def test_state_as_others_write_it(trial, source, form):
    trial.shows(source, tree.visible_paths(), document=form)


def padded(size):
    return lambda document: document[:-1] + b', "x": "' + b"y" * size + b'"}'


def test_a_huge_state(trial, source):
    trial.shows(source, tree.visible_paths(), document=padded(3 << 20))
    trial.refuses(source, "state", "4194304 bytes", "standard input", document=padded(5 << 20))


def test_a_truncated_state(trial, source):
    trial.refuses(source, "state", "ends inside", document=lambda document: document[:-20])


def edited(change):
    """Changes config.json after the runtime has read it."""

    def edit(bundle):
        path = bundle.path / "config.json"
        config = json.loads(path.read_text())
        change(config)
        path.write_text(json.dumps(config))

    return edit


def test_ten_thousand_mounts(trial, source):
    def add(config):
        config["mounts"] += [{"destination": f"/m/{number}", "type": "tmpfs", "source": "tmpfs"}
                             for number in range(10_000)]

    trial.shows(source, tree.visible_paths(), meanwhile=edited(add))


def test_no_process(trial, source):
    trial.refuses(source, "environment", "there is no process", "add a \"process\"",
                  meanwhile=edited(lambda config: config.pop("process")))


def test_documents_that_come_byte_by_byte(source, room, programs):
    """A pipe gives what is in it, not what was asked for."""
    bundle = Bundle(room, programs, source)
    container = bundle.start()
    with subprocess.Popen([programs["oci-cnb-createruntime"]], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, bufsize=0) as process:
        for byte in json.dumps(bundle.state(container)).encode():
            process.stdin.write(bytes([byte]))
        process.stdin.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    assert wrongs_inside(container) == []
    container.end()
    bundle.remove()
    assert collect(programs) == []
