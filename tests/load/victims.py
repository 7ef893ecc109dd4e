"""The processes of this lab that may be killed, by what they are."""

import collections
import os
import pathlib
import signal

KINDS = ("engine", "runtime", "hook", "member")
PREFIXES = {"engine": ("podman", "conmon"), "runtime": ("crun", "runc"), "hook": ("oci-cnb",)}
Victim = collections.namedtuple("Victim", "pid name command")


def find():
    """{kind: victims}, each oldest first. The lab has process ids of its own: all are ours."""
    found = {kind: [] for kind in KINDS}
    own = os.readlink("/proc/self/ns/pid")
    for entry in sorted(pathlib.Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            victim = Victim(int(entry.name), _name(entry), _command(entry))
            kind = _kind(victim, os.readlink(entry / "ns/pid") != own)
        except OSError:
            continue  # it has ended, or isn't ours to look at
        if kind:
            found[kind].append(victim)
    return found


def _kind(victim, contained):
    for kind, prefixes in PREFIXES.items():
        if victim.name.startswith(prefixes):
            # "podman pause" holds a user's namespaces: its end is a logout, not an engine's crash.
            return None if "pause" in victim.name else kind
    return "member" if contained else None


def _name(entry):
    return (entry / "comm").read_text().strip()


def _command(entry):
    """On one line, whatever script is part of it."""
    text = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return " ".join(text.split())


def kill(victim, number):
    """Whether it was still that process."""
    try:
        descriptor = os.pidfd_open(victim.pid)
    except ProcessLookupError:
        return False
    try:
        if _name(pathlib.Path(f"/proc/{victim.pid}")) != victim.name:
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(descriptor)
