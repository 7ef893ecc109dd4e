"""What each hook still may do once it has read its input; and that it has no more than that."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from bundle import LIMIT

# Numbers of capabilities(7).
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID = range(8)
SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, MKNOD, SETFCAP = 18, 19, 21, 27, 31
MOUNTING = {CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID,
            SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, MKNOD, SETFCAP}
REMOVING = {DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, SYS_PTRACE}
# Hook, the call at which it is stopped, what it may have then. The first openat2(2) follows the
# input, the others stand for the work itself.
STOPS = [
    ("createruntime", "openat2", MOUNTING),
    ("createruntime", "move_mount", MOUNTING),
    ("prestart", "openat2", MOUNTING),
    ("poststop", "openat2", REMOVING),
    ("poststop", "unlinkat", REMOVING),
    ("guard", "openat2", {DAC_READ_SEARCH}),
    ("precreate", "write", set()),
]


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def child_of(tracer):
    return int(pathlib.Path(f"/proc/{tracer}/task/{tracer}/children").read_text())


@contextlib.contextmanager
def stopped(program, call, document, trace):
    """The pid of a hook that has stopped after its first such call. Its caller has capabilities to
    inherit, and ambient ones."""
    words = ["setpriv", "--inh-caps=+net_admin,+sys_admin", "--ambient-caps=+net_admin",
             "strace", f"--output={trace}", f"--trace={call}",
             f"--inject={call}:signal=STOP:when=1", program]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as tracer:
        tracer.stdin.write(document)
        tracer.stdin.close()
        deadline = time.monotonic() + LIMIT
        pid = None
        try:
            while not (trace.exists() and "stopped by SIGSTOP" in trace.read_text()):
                assert tracer.poll() is None, f"ended without {call}"
                assert time.monotonic() < deadline, trace.read_text()
                time.sleep(0.01)
            pid = child_of(tracer.pid)
            yield pid
        finally:
            os.kill(pid or tracer.pid, signal.SIGKILL)
            trace.unlink(missing_ok=True)


def capabilities(pid, which):
    mask = int(status_of(pid)[which], 16)
    return {number for number in range(64) if mask >> number & 1}


def document_for(hook, bundle, container):
    if hook == "precreate":
        return (bundle.path / "config.json").read_bytes()
    return json.dumps(bundle.state(container)).encode()


@pytest.mark.parametrize("hook, call, wanted", STOPS,
                         ids=[f"{hook}-{call}" for hook, call, _ in STOPS])
def test_only_what_is_needed(bundle, programs, hook, call, wanted):
    container = bundle.start()
    if hook == "poststop":
        assert bundle.hook("createruntime", container) == (0, "")
        container.end()
    document = document_for(hook, bundle, container)
    with stopped(programs[f"oci-cnb-{hook}"], call, document, bundle.path / "trace") as pid:
        seen = {which: capabilities(pid, which)
                for which in ("CapPrm", "CapEff", "CapInh", "CapAmb")}
    if hook != "poststop":
        container.end()
    everything = capabilities("self", "CapPrm")
    assert seen == {"CapPrm": wanted & everything, "CapEff": wanted & everything,
                    "CapInh": set(), "CapAmb": set()}


def test_the_caller_had_more(bundle, programs):
    """Before the input is read: else the test above would see nothing given up."""
    container = bundle.start()
    program = programs["oci-cnb-createruntime"]
    document = document_for("createruntime", bundle, container)
    with stopped(program, "umask", document, bundle.path / "trace") as pid:
        assert capabilities(pid, "CapInh") and capabilities(pid, "CapAmb")
        assert capabilities(pid, "CapPrm") > MOUNTING & capabilities("self", "CapPrm")
    container.end()
