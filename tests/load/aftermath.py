"""How a test with many containers ends, and what may be left of it: nothing."""

import collections
import os
import signal
import subprocess
import time

from kit import traces
from kit.engine import execute

LIMIT = 120  # seconds
STEP = 0.05  # seconds between two looks at what other processes do

sessions = traces.sessions


def settled(probe, expected):
    """probe() once it equals expected, or its last value."""
    end = time.monotonic() + LIMIT
    value = probe()
    while value != expected and time.monotonic() < end:
        time.sleep(STEP)
        value = probe()
    return value


def end_containers(podman):
    """As an administrator does it after a crash: podman first, then what podman has lost sight of."""
    for _ in range(5):
        _try(podman, "rm", "--all", "--force", "--time", "0")
        settled(traces.programs_of_ours, [])
        for line in traces.processes():
            _kill(int(line.split()[0]))
        settled(traces.processes, [])
        if _try(podman, "ps", "--all", "--quiet") == "":
            return
    _try(podman, "system", "migrate")
    _try(podman, "system", "reset", "--force")


def _try(podman, *words):
    """What podman answers; None when it fails, as it may after all that."""
    try:
        result = execute(podman.command(None, *words))
    except subprocess.TimeoutExpired:
        return None
    return result.stdout.decode().strip() if result.status == 0 else None


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def leftovers(programs, mounts_before):
    """Lines about what still is there after `session gc`."""
    found = [f"process {line}" for line in settled(traces.processes, [])]
    mounts = settled(traces.mounts, mounts_before)
    more = collections.Counter(mounts) - collections.Counter(mounts_before)
    found += [f"mount {mount}" for mount in more]
    collected = execute([programs["oci-cnb"], "session", "gc"])
    if collected.status != 0:
        found.append(f"session gc: {collected}")
    traces.removal_ended()
    found += [f"scratch {path}" for path in traces.store_entries()]
    return found + [f"state {state}" for state in traces.describe(sessions())]
