"""Letting one system call of a hook fail, and what is wrong afterwards."""

import os
import random
import re

from bundle import clear_store, collect, wrongs_inside
from errnos import ERRORS, FUNCTIONS, LEFT_OUT
from kit import traces
from kit.engine import execute

EVERYTHING = os.environ.get("OCI_CNB_FAULTS") == "all"
SEED = int(os.environ.get("OCI_CNB_SEED") or int.from_bytes(os.urandom(4), "big"))
PART = 60  # of those that are chosen, in each test


def fail(call, error):
    return f"--inject={call.selector}:error={error}:when={call.nth}"


def left_in_session():
    """None for a directory that has just become the session's, and may stay for a collector: it is
    empty, or has what poststop had laid in."""
    left = {name.split("/", 2)[2] for name in traces.store_entries() if name.count("/") > 1}
    laid_in = {name.partition("/")[2] for name in traces.SPARE} - {""}
    return sorted(left) if left != laid_in else []


def wrongs(call, status, errors, container, writable=True):
    """What is wrong with a run in which that call failed, a line each."""
    if status == 0:
        return wrongs_inside(container, writable)
    found = [f"exit status {status}: {errors}"] if not 20 <= status <= 31 else []
    name = FUNCTIONS.get(call.name, call.name)
    if not re.fullmatch(rf"oci-cnb-createruntime: [a-z-]+: .*\b({name})\b.*; \S.*\n", errors):
        found.append(f"told: {errors}")
    found += [f"left in the store: {name}" for name in left_in_session()]
    made = {path.name for path in container.root.iterdir()} - {"workspace"}
    return found + [f"left in the rootfs: {name}" for name in made]


def failing_calls(bundle):
    """Those of a run in which none fails, but for what is left out."""
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container)
             if call.name not in LEFT_OUT]
    container.end()
    assert {call.name for call in calls} - set(ERRORS) == set()
    return calls


def is_answer(call, error):
    """That this file system shows no owner as another: told by who can't write, not by the call."""
    return error == "EPERM" and "MOUNT_ATTR_IDMAP" in call.arguments


def part(what, size):
    """So much of it, or everything."""
    return what if EVERYTHING else random.Random(SEED).sample(what, min(size, len(what)))


def failures(calls, all_calls=True):
    """(call, error) of those to be tried: each with its first error, and a part of the others."""
    first = [(call, ERRORS[call.name][0]) for call in calls]
    others = [(call, error) for call in calls for error in ERRORS[call.name][1:]
              if not is_answer(call, error)]
    if not all_calls:
        return part(first + others, PART)
    return first + part(others, PART)


class Attempts:
    """Starts of a bundle's container with one failure each."""

    def __init__(self, bundle, programs, prepare):
        self._bundle, self._programs, self._prepare = bundle, programs, prepare
        self._session = bundle.annotations.get("io.cnb.hooks.session")
        self._writable = "io.cnb.hooks.workspace" not in bundle.annotations
        self.tried, self.refused, self.wrong = 0, 0, []

    def start(self, call, error):
        self._prepare()
        container = self._bundle.start()
        status, errors = self._bundle.hook("createruntime", container, fail(call, error))
        self.tried, self.refused = self.tried + 1, self.refused + (status != 0)
        found = wrongs(call, status, errors, container, self._writable)
        container.end()
        if self._session:
            execute([self._programs["oci-cnb"], "session", "rm", f"n-{self._session}"])
        found += collect(self._programs)
        self.wrong += [f"{call}, {error}: {line}" for line in found]

    def __str__(self):
        part = "" if EVERYTHING else f" (OCI_CNB_SEED={SEED})"
        return f"{self.tried} failures, {self.refused} refused{part}"


def run_with_failures(bundle, programs, chosen, prepare=clear_store):
    mounts = traces.mounts()
    attempts = Attempts(bundle, programs, prepare)
    for call, error in chosen:
        attempts.start(call, error)
    assert attempts.wrong == [], "\n".join(attempts.wrong)
    assert traces.mounts() == mounts
    return attempts
