"""What the benchmarks in Python have in common: commands take turns, and lines of run.sh's table."""

import os
import time


def spawn(words, stdin="/dev/null", stdout="/dev/null"):
    """Seconds from a program's start to its end, which has to be a good one."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY, 0)]
    words = [str(word) for word in words]
    begin = time.perf_counter()
    child = os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        raise RuntimeError(f"{words} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds


def take_turns(runs, ours, peer):
    """Two lists of seconds, of functions that return them."""
    times = ([], [])
    for turn in range(runs + 1):
        # The first takes the first turn in every second pair only: neither profits from order.
        for side in ((0, 1) if turn % 2 else (1, 0)):
            times[side].append((ours, peer)[side]())
    return times[0][1:], times[1][1:]  # the first pair warms up


def row(what, ours, peer, bar="-", met="-"):
    """ours and peer in seconds."""
    fields = (what, f"{ours * 1e3:.2f} ms", f"{peer * 1e3:.2f} ms", f"{ours / peer:.3f}", bar, met)
    print("row", *fields, sep="\t", flush=True)
