"""Every system call of the mount hook fails once, with an error that its manual page names.

The container is refused by a line that names the call and what it was about, and nothing is left;
or the hook has another way, and then nothing is missing.
"""

import os
import re

from bundle import NUMBERED, Bundle, clear_store, collect, store_entries, wrongs_inside
from kit import source as tree
from kit import traces

ERRORS = {
    "chdir": "ENOMEM", "fchdir": "EACCES", "openat": "EMFILE", "openat2": "EMFILE",
    "read": "EIO", "write": "ENOSPC", "close": "EIO", "fcntl": "EMFILE", "flock": "ENOLCK",
    "newfstatat": "ENOMEM", "statx": "ENOMEM", "fstatfs": "EIO", "getdents64": "EIO",
    "readlinkat": "EIO", "flistxattr": "EOPNOTSUPP",
    "fgetxattr": "EOPNOTSUPP", "linkat": "ENOSPC", "fsetxattr": "ENOSPC", "mkdirat": "ENOSPC",
    "mknodat": "ENOSPC", "fchmod": "EROFS", "fchown": "EPERM", "utimensat": "EPERM",
    "renameat": "ENOSPC", "renameat2": "ENOSPC", "unlinkat": "EIO", "setns": "ENOMEM",
    "capget": "EPERM", "capset": "EPERM", "prctl": "EPERM", "close_range": "ENOMEM",
    "mount": "ENOMEM", "umount2": "ENOMEM", "open_tree": "ENOMEM", "move_mount": "ENOMEM",
    "mount_setattr": "ENOMEM", "fsopen": "ENOMEM", "fsconfig": "ENOMEM", "fsmount": "ENOMEM",}
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
    "fstatfs": "fstatfs|fstatvfs", "utimensat": "futimens"}
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
    found += [f"left in the store: {name}" for name in store_entries() if name.count("/") > 1]
    made = {path.name for path in container.root.iterdir()} - {"workspace"}
    return found + [f"left in the rootfs: {name}" for name in made]


def run_with_failures(bundle, programs, names):
    """How many were refused."""
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container) if call.name in names]
    container.end()
    mounts = traces.mounts()
    wrong, refused = [], 0
    for call in calls:
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, ERRORS[call.name]))
        refused += status != 0
        found = wrongs(call, status, errors, container)
        container.end()
        found += collect(programs)
        wrong += [f"{call}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    assert traces.mounts() == mounts
    return refused


def test_each_call_fails_once(bundle, programs):
    container = bundle.start()
    names = {call.name for call in bundle.calls("createruntime", container)} - LEFT_OUT
    container.end()
    clear_store()
    assert names - set(ERRORS) == set()
    assert run_with_failures(bundle, programs, names) > 100


def test_each_look_up_fails_once(room, programs, make_source):
    """The other way of finding masks."""
    bundle = Bundle(room, programs, make_source(fill=anchored_tree))
    assert run_with_failures(bundle, programs, {"newfstatat", "openat"}) > 20
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
