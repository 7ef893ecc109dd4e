"""Every system call of the mount hook fails once, with an error that its manual page names.

The container is refused by a line that names the call and what it was about, and nothing is left;
or the hook has another way, and then nothing is missing.
"""

import os
import re

from bundle import NUMBERED, Bundle, clear_store, collect, wrongs_inside
from kit import source as tree
from kit import traces
from kit.engine import must

# The first is tried always; the others as OCI_CNB_FAULTS says.
ERRORS = {
    "chdir": "ENOMEM EIO", "fchdir": "EACCES EIO",
    "openat": "EMFILE ENFILE ENOMEM EPERM", "openat2": "EMFILE ENFILE ENOMEM EPERM",
    "read": "EIO", "write": "ENOSPC EDQUOT EIO EFBIG", "close": "EIO ENOSPC EDQUOT",
    "fcntl": "EMFILE", "flock": "ENOLCK", "newfstatat": "ENOMEM EACCES", "statx": "ENOMEM EACCES",
    "fstatfs": "EIO ENOMEM", "getdents64": "EIO", "readlinkat": "EIO ENOMEM EACCES",
    "flistxattr": "EOPNOTSUPP", "fgetxattr": "EOPNOTSUPP",
    "linkat": "ENOSPC EDQUOT EIO ENOMEM EROFS", "fsetxattr": "ENOSPC EDQUOT EPERM",
    "mkdirat": "ENOSPC EDQUOT EACCES EMLINK ENOMEM EROFS",
    "mknodat": "ENOSPC EDQUOT EACCES EPERM ENOMEM EROFS", "fchmod": "EROFS EPERM EIO",
    "fchown": "EPERM EROFS EIO", "utimensat": "EPERM EACCES EROFS",
    "renameat": "ENOSPC EDQUOT EACCES ENOMEM EROFS",
    "renameat2": "ENOSPC EDQUOT EACCES ENOMEM EROFS", "unlinkat": "EIO EACCES ENOMEM EROFS",
    "setns": "ENOMEM EPERM", "capget": "EPERM", "capset": "EPERM", "prctl": "EPERM",
    "close_range": "ENOMEM EMFILE", "mount": "ENOMEM EPERM EACCES", "umount2": "ENOMEM EPERM",
    "open_tree": "ENOMEM EMFILE ENFILE EACCES", "move_mount": "ENOMEM EACCES ELOOP",
    "mount_setattr": "ENOMEM EBUSY", "fsopen": "ENOMEM EMFILE ENFILE",
    "fsconfig": "ENOMEM EACCES EBUSY", "fsmount": "ENOMEM EMFILE ENFILE",
    # Of a container that joins others.
    "socketpair": "EMFILE ENFILE ENOMEM", "clone": "EAGAIN ENOMEM", "recvmsg": "ENOMEM",
    "wait4": "EINTR", "fsync": "EIO ENOSPC EDQUOT"}
# Of getdents64(2)'s own errors ENOENT is the only one without a mistake of the caller: a directory
# that was removed, which is as good as an empty one. EIO is what file systems say.
# Of the C library before main() and of the allocator, or without a way to fail.
LEFT_OUT = {
    "execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
    "readlink", "getrandom", "mprotect", "mmap", "munmap", "sched_getaffinity", "umask", "getpid",
    "geteuid", "getegid", "exit_group",
    # Newer than this strace; the kernels without them are in tests/unit/sys, made with seccomp.
    *NUMBERED}
# A line names the function of the C library.
FUNCTIONS = {
    "newfstatat": "fstat|fstatat|stat", "openat2": "openat2|open", "openat": "openat|open",
    "fstatfs": "fstatfs|fstatvfs", "clone": "fork", "utimensat": "futimens"}
EVERYTHING = os.environ.get("OCI_CNB_FAULTS") == "all"
INTERRUPTED = {"read", "write", "openat2", "flock"}


def fail(call, error):
    return f"--inject={call.selector}:error={error}:when={call.nth}"


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


def wrongs(call, status, errors, container):
    """What is wrong with a run in which that call failed, a line each."""
    if status == 0:
        return wrongs_inside(container)
    found = [f"exit status {status}: {errors}"] if not 20 <= status <= 31 else []
    name = FUNCTIONS.get(call.name, call.name)
    if not re.fullmatch(rf"oci-cnb-createruntime: [a-z-]+: .*\b({name})\b.*; \S.*\n", errors):
        found.append(f"told: {errors}")
    # Where the directory of the session was just made, it may stay for the collector.
    found += [f"left in the store: {name}" for name in traces.store_entries() if name.count("/") > 1]
    made = {path.name for path in container.root.iterdir()} - {"workspace"}
    return found + [f"left in the rootfs: {name}" for name in made]


def failures(calls):
    """(call, error) of those to be tried."""
    for call in calls:
        first, *others = ERRORS[call.name].split()
        yield call, first
        if EVERYTHING:
            yield from ((call, error) for error in others)


def run_with_failures(bundle, programs, names):
    """How many were tried, and how many of them refused."""
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container) if call.name in names]
    container.end()
    mounts = traces.mounts()
    wrong, refused, tried = [], 0, 0
    for call, error in failures(calls):
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, error))
        refused, tried = refused + (status != 0), tried + 1
        found = wrongs(call, status, errors, container)
        container.end()
        found += collect(programs)
        wrong += [f"{call}, {error}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    assert traces.mounts() == mounts
    return tried, refused


def test_each_call_fails_once(bundle, programs, told):
    container = bundle.start()
    names = {call.name for call in bundle.calls("createruntime", container)} - LEFT_OUT
    container.end()
    clear_store()
    assert names - set(ERRORS) == set()
    tried, refused = run_with_failures(bundle, programs, names)
    assert refused > 100
    told(f"{tried} failures of {len(names)} system calls, {refused} refused")


def test_each_look_up_fails_once(room, programs, make_source):
    """The other way of finding masks."""
    bundle = Bundle(room, programs, make_source(fill=anchored_tree))
    assert run_with_failures(bundle, programs, {"newfstatat", "openat"})[1] > 20
    bundle.remove()


def test_interrupted_calls_are_made_again(bundle):
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container) if call.name in INTERRUPTED]
    container.end()
    wrong = []
    for call in calls:
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, "EINTR"))
        found = [] if status == 0 else [errors]
        wrong += [f"{call}: {line}" for line in found + wrongs_inside(container)]
        container.end()
    assert wrong == [], "\n".join(wrong)


def test_each_call_of_one_that_joins_fails_once(room, programs, source, told):
    """The container that the session began with keeps what it has, and the session lives on."""
    clear_store()
    mounts = traces.mounts()
    first, bundle = (Bundle(room, programs, source, session="joined") for _ in range(2))
    host = first.start()
    assert first.hook("createruntime", host) == (0, "")
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container)
             if call.name not in LEFT_OUT]
    container.end()
    wrong, refused = [], 0
    for call, error in failures(calls):
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, error))
        refused += status != 0
        found = wrongs_of_a_joining_one(call, status, errors, container)
        container.end()
        found += [f"of the first: {line}" for line in wrongs_inside(host)]
        wrong += [f"{call}, {error}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    host.end()
    must([programs["oci-cnb"], "session", "rm", "n-joined"])
    assert collect(programs) == []
    assert traces.mounts() == mounts
    told(f"{len(calls)} calls, {refused} refused")
    assert refused > 50
    first.remove()
    bundle.remove()


def wrongs_of_a_joining_one(call, status, errors, container):
    """The session's directory is the first one's: what is in it isn't looked at."""
    found = wrongs(call, status, errors, container)
    return [line for line in found if not line.startswith("left in the store")]
