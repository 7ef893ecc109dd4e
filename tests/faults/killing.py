"""Killing a hook at a call that changes something, and the container's next start."""

from bundle import wrongs_inside

# The calls by which a hook changes anything outside of its own memory.
CHANGING = {
    "mkdirat", "mknodat", "write", "fchmod", "fchmodat", "fchown", "fsetxattr", "utimensat",
    "renameat", "renameat2", "unlinkat", "flock", "fsync", "syncfs", "chmod", "setns", "unshare", "mount",
    "umount2", "open_tree", "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "clone",
    "sendmsg", "sendto", "copy_file_range", "symlinkat", "linkat", "fchownat", "exit_group"}


def is_changing(call):
    return call.name in CHANGING or "O_CREAT" in call.arguments


def changing_calls(bundle, stage, container):
    return [call for call in bundle.calls(stage, container) if is_changing(call)]


def kill_at(call):
    return f"--inject={call.selector}:signal=KILL:when={call.nth}"


def killed(bundle, stage, container, call):
    status, errors = bundle.hook(stage, container, kill_at(call))
    return [] if status == -9 else [f"not killed: {status} {errors}"]


def started_again(bundle, look=wrongs_inside):
    """What is wrong with the container's next start."""
    container = bundle.start()
    status, errors = bundle.hook("createruntime", container)
    found = [] if status == 0 else [f"next start: {errors}"]
    found += look(container)
    container.end()
    return found
