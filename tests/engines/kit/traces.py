"""What may be left behind by a container, and the hooks' log."""

import os
import pathlib
import time

DEADLINE = 120  # seconds in which a clean-up has to end, also on a busy machine


def state_directory():
    """Where sessions and log live: for root, or for the user whose engine it is."""
    # In a user namespace root is somebody else, and the machine's files are nobody's.
    if os.geteuid() == 0 and os.stat("/").st_uid == 0:
        return pathlib.Path("/var/lib/oci-cnb-hooks")
    return pathlib.Path.home() / ".local/share/oci-cnb-hooks"


def settings_directory():
    """Where config.toml lies, for the same one."""
    if not state_directory().is_relative_to(pathlib.Path.home()):
        return pathlib.Path("/etc/oci-cnb-hooks")
    return pathlib.Path.home() / ".config/oci-cnb-hooks"


class Log:
    """The file to which every hook adds its lines."""

    path = state_directory() / "log/hooks.log"

    def position(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, position):
        if not self.path.exists():
            return ""
        with open(self.path, "rb") as file:
            file.seek(position)
            return file.read().decode("utf-8", "backslashreplace")


def _listed(folder):
    try:
        return sorted(os.listdir(state_directory() / folder))
    except FileNotFoundError:
        return []


def sessions():
    """Everything in the sessions directory, by name."""
    return _listed("sessions")


def trash():
    """What was taken out of sight, and is removed in the background where it is much."""
    return _listed("trash")


# What poststop lays in for the next container.
SPARE = {"spare", "spare/state.json", "spare/work", "spare/upper.new", "spare/layers"}


def store_entries():
    """Everything in the store but its own directories, the log, what was found out about ways, and a
    whole spare: somebody's scratch, as paths relative to the store."""
    root = state_directory()
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    if SPARE <= found:
        found -= SPARE
    return sorted(found - {"sessions", "trash", "log", "log/hooks.log", "upper-probed", "ways-tried"})


def describe(names):
    """The state of sessions, for a message."""
    states = []
    for name in names:
        try:
            states.append((state_directory() / "sessions" / name / "state.json").read_text())
        except OSError as error:
            states.append(f"{name}: {error}")
    return states


def mounts():
    """The host's mounts but those that engines keep for themselves."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        found = [(line.split()[4], line.partition(" - ")[2].split()[0]) for line in file]
    return sorted(mount for mount in found if "/containers/storage" not in mount[0])


def processes():
    """Programs of ours, runtimes, and containers' processes that still run."""
    watched = ("oci-cnb", "fuse-overlay", "crun", "runc", "conmon", "busybox", "sh")
    found, ancestors = [], _ancestors()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ancestors:
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            name = (entry / "comm").read_text().strip()
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
        except OSError:
            continue  # it ended meanwhile
        if name.startswith(watched) and command:
            found.append(f"{entry.name} {command}")
    return found


def programs_of_ours():
    """Hooks and commands that still run."""
    return [line for line in processes() if "oci-cnb" in line.split()[1]]


def _ancestors():
    found, pid = set(), os.getpid()
    while pid > 0:
        found.add(pid)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
    return found


def settled(probe, expected):
    """probe() once it equals expected, or its last value: engines, and the poststop hook where much
    was written, clean up after `run` returns."""
    end = time.monotonic() + DEADLINE
    value = probe()
    while value != expected and time.monotonic() < end:
        time.sleep(0.02)  # between two looks at what another process does; not a guess at a time
        value = probe()
    return value


def removal_ended():
    """When this returns, what `session rm`, `session gc` or poststop removes in the background is gone,
    or something can't be removed."""
    return settled(programs_of_ours, [])
