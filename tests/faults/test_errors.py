"""Every system call of the mount hook fails once, with the errors that errnos.py has for it.

The container is refused by a line that names the call and what it was about, and nothing is left;
or the hook has another way, and then nothing is missing.

Of a call's further errors, and in containers of other kinds than the plain one, a part is tried in
each run, chosen by OCI_CNB_SEED; OCI_CNB_FAULTS=all tries everything.
"""

import json
import os
import pathlib
import platform
import re

import pytest

import short
from bundle import (
    LIMIT, Bundle, Joined, clear_store, collect, lay_in_spare, wrongs_inside)
from errnos import INTERRUPTED, LEFT_OUT
from failing import fail, failing_calls, failures, run_with_failures, wrongs
from kit import source as tree
from kit import traces
from kit.engine import must

SHORT = 7  # bytes


# Rules without any of the wild cards that let directories be listed: names are looked up.
ANCHORED = (b".git\nnode_modules\npackages/app/node_modules\ntarget\nlogs/a.log\nlogs/old\n"
            b"notes.tmp\nsrc/deep/er/key.secret\ndocs/private.secret\n")
UNNAMEABLE = (b"new\nline.tmp", b"inv\xff.tmp")  # by a line without a wild card


def anchored_tree(path):
    tree.make(path)
    root = os.fsencode(path)
    for name in UNNAMEABLE:
        os.unlink(os.path.join(root, name))
    with open(os.path.join(root, b".dockerignore"), "wb") as file:
        file.write(ANCHORED)


def test_each_call_fails_once(bundle, programs, told):
    calls = failing_calls(bundle)
    attempts = run_with_failures(bundle, programs, failures(calls))
    assert attempts.refused > 100
    told(f"{len({call.name for call in calls})} system calls, {attempts}")


def test_each_look_up_fails_once(room, programs, make_source):
    """The other way of finding masks."""
    bundle = Bundle(room, programs, make_source(fill=anchored_tree))
    calls = [call for call in failing_calls(bundle) if call.name in ("newfstatat", "openat")]
    assert run_with_failures(bundle, programs, failures(calls)).refused > 20
    bundle.remove()


OWNER = 1000
KINDS = {
    "spare": {},
    "named": {"io.cnb.hooks.session": "failing"},
    "tmpfs": {"io.cnb.hooks.scratch": "tmpfs"},
    "read-only": {"io.cnb.hooks.workspace": "readonly"},
}
if os.stat("/").st_uid == 0:  # a user namespace can't show the owner as another
    KINDS["other-owner"] = {}


@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_other_containers_fail(room, programs, make_source, told, kind):
    source = make_source(OWNER if kind == "other-owner" else None)
    bundle = Bundle(room, programs, source, annotations=KINDS[kind])

    def prepare():
        clear_store()
        if kind == "spare":
            lay_in_spare(bundle)

    prepare()
    calls = failing_calls(bundle)
    chosen = failures(calls, all_calls=False)
    attempts = run_with_failures(bundle, programs, chosen, prepare)
    assert attempts.refused > attempts.tried // 4
    told(f"{len(calls)} calls, {attempts}")
    bundle.remove()


def test_interrupted_calls_are_made_again(bundle):
    calls = [call for call in failing_calls(bundle) if call.name in INTERRUPTED]
    wrong = []
    for call in calls:
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, "EINTR"))
        found = [] if status == 0 else [errors]
        wrong += [f"{call}: {line}" for line in found + wrongs_inside(container)]
        container.end()
    assert wrong == [], "\n".join(wrong)


def test_a_refused_mount_is_no_verdict(bundle, programs):
    """Such as a security module may give once: the next container's overlay is tried again."""
    clear_store()
    mount = [call for call in failing_calls(bundle) if call.name == "fsmount"][-1]
    container = bundle.start()
    bundle.hook("createruntime", container, fail(mount, "EPERM"))
    container.end()
    book = traces.state_directory() / "ways-tried"
    assert not book.exists() or " overlay " not in book.read_text()
    container = bundle.start()
    assert bundle.hook("createruntime", container) == (0, "")
    types = [line.split(" - ")[1].split()[0]
             for line in pathlib.Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines()
             if line.split()[4].endswith("/rootfs/workspace")]
    assert types == ["overlay"]
    container.end()
    assert collect(programs) == []


# --- a container that joins the workspace of others ----------------------------------------------

@pytest.fixture
def joined(room, programs, source):
    made = Joined(room, programs, source)
    yield made
    made.end()


def test_each_call_of_one_that_joins_fails_once(joined, told):
    """The container that the session began with keeps what it has, and the session lives on."""
    bundle, wrong, refused, tried = joined.bundle, [], 0, 0
    for call, error in failures(failing_calls(bundle)):
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, error))
        refused, tried = refused + (status != 0), tried + 1
        # The session's directory is the first one's: what is in it isn't looked at.
        found = [line for line in wrongs(call, status, errors, container)
                 if not line.startswith("left in the store")]
        container.end()
        found += [f"of the first: {line}" for line in wrongs_inside(joined.host)]
        wrong += [f"{call}, {error}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    told(f"{tried} failures, {refused} refused")
    assert refused > 50


@pytest.mark.parametrize("error", ["ENOMEM", "EMFILE", "EIO"])
def test_mounts_that_cannot_be_looked_at_are_not_absent(joined, error):
    """Else there would be a second overlay over the session's upper, which destroys both."""
    container = joined.bundle.start()
    status, errors = joined.bundle.hook(
        "createruntime", container, f"--trace-path={joined.host.pid}/mountinfo",
        f"--inject=openat:error={error}")
    assert status != 0
    assert re.fullmatch(rf"oci-cnb-createruntime: .*\bopen\b.*/{joined.host.pid}/mountinfo.*\n",
                        errors), errors
    assert [path.name for path in container.root.iterdir()] == ["workspace"]
    container.end()
    assert wrongs_inside(joined.host) == []


@pytest.mark.parametrize("call", ["flistxattr", "fgetxattr"])
def test_access_rights_that_cannot_be_read_are_not_absent(room, programs, make_source, call):
    """A directory without its list of access rights would be open to more than it was."""

    def fill(path):
        tree.make(path)
        for name in ("src", "packages"):
            must(["setfacl", "--modify", "user:1:rwx", os.path.join(path, name)])

    bundle = Bundle(room, programs, make_source(fill=fill))
    for error, good in (("ENOMEM", False), ("EIO", False), ("EOPNOTSUPP", True)):
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, f"--inject={call}:error={error}")
        assert (status == 0) is good, errors
        assert good or call in errors
        container.end()
    bundle.remove()
    assert collect(programs) == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="short.py knows the registers of x86-64")
@pytest.mark.parametrize("kind", ["plain", "named"])
def test_short_reads_and_writes(room, programs, source, told, kind):
    """Of the hook and of poststop: each moves a few bytes at most."""
    clear_store()
    bundle = Bundle(room, programs, source, {} if kind == "plain" else KINDS[kind])
    container = bundle.start()
    state = json.dumps(bundle.state(container)).encode()
    for stage in ("createruntime", "poststop"):
        words = [str(programs[f"oci-cnb-{stage}"])]
        status, errors, counted = short.run(words, state, SHORT, LIMIT)
        assert (status, errors) == (0, "")
        assert sum(counted.values()) > 100
        told(f"{stage}: {counted}")
        if stage == "createruntime":
            assert wrongs_inside(container) == []
            container.end()
    if kind == "named":
        must([programs["oci-cnb"], "session", "rm", "n-failing"])
    assert collect(programs) == []
    bundle.remove()


def test_each_call_of_poststop_fails_once(bundle, programs, told):
    """It ends well, or by one line; then everything is collected, whatever it has left."""
    container = bundle.start()
    bundle.hook("createruntime", container)
    container.end()
    calls = [call for call in bundle.calls("poststop", container) if call.name not in LEFT_OUT]
    wrong, refused, tried = [], 0, 0
    for call, error in failures(calls):
        clear_store()
        container = bundle.start()
        assert bundle.hook("createruntime", container) == (0, "")
        container.end()
        status, errors = bundle.hook("poststop", container, fail(call, error))
        refused, tried = refused + (status != 0), tried + 1
        good = status == 0 or (20 <= status <= 31 and
                               re.fullmatch(r"oci-cnb-poststop: [a-z-]+: \S.*\n", errors))
        found = ([] if good else [f"{status}: {errors}"]) + collect(programs)
        wrong += [f"{call}, {error}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    told(f"{tried} failures, {refused} refused")
