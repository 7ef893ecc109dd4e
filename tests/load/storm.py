"""Containers that start and end all the time, and SIGKILL for whatever has to do with them."""

import collections
import os
import pathlib
import signal
import subprocess
import time

import victims
from crew import Member
from kit.hooks import INSTALLED, NAMES, Hooks

WIDTH = 6  # engines at work at a time
PATIENCE = 60  # seconds after which an engine that got stuck, which some do, is killed as well
PAUSE = (0.02, 0.4)  # seconds between two shots
# A member works for a while, so that there are some to be killed, and looks at all it can see.
SCRIPT = """
sign
for round in $(seq {rounds}); do
  look $round
  sleep 0.2
done
"""
# A hook ends itself after so many seconds, where no shot would hit anything that short.
HOOK_LIVES = (0.0005, 0.05)
MORTAL = """#!/bin/sh
exec timeout --foreground --signal=KILL {life:.6f} {program} "$@"
"""
Start = collections.namedtuple("Start", "process label since")


class Storm:
    """All choices come from rng: a seed repeats them, as far as the machine goes along."""

    def __init__(self, rng, podmans, hooks, programs, source, directory):
        self._rng = rng
        self._podmans = podmans
        self._source = source
        self._directory = pathlib.Path(directory)
        self._hooks = [hooks] * 20 + [self._mortal(number, programs) for number in range(20)]
        self._running = []
        self._begin = time.monotonic()
        self._kept = []  # names of containers that can be started again
        self.crew = []
        self.kills = collections.Counter()
        self.events = []

    def _mortal(self, number, programs):
        """Hooks of which one stage dies early, at a moment of its own."""
        directory = self._directory / f"mortal-{number}"
        directory.mkdir()
        stage = self._rng.choice(NAMES[:4])
        shim = directory / stage
        life = self._rng.uniform(*HOOK_LIVES)
        shim.write_text(MORTAL.format(life=life, program=programs[stage]))
        shim.chmod(0o755)
        return Hooks(directory, {**programs, stage: shim}, INSTALLED)

    def rage(self, seconds):
        end = self._begin + seconds
        while time.monotonic() < end:
            self._reap()
            while len(self._running) < WIDTH:
                self._start()
            self._shoot()
            time.sleep(self._rng.uniform(*PAUSE))

    def calm(self):
        """No more shots: what runs comes to its end."""
        end = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < end:
            self._reap()
            time.sleep(PAUSE[0])
        for start in self._running:
            start.process.kill()
            start.process.wait()

    def _note(self, text):
        self.events.append(f"{time.monotonic() - self._begin:8.3f} {text}")

    def _reap(self):
        for start in list(self._running):
            if start.process.poll() is None and time.monotonic() - start.since > PATIENCE:
                self._note(f"{start.label} is stuck")
                start.process.kill()
                start.process.wait()
            if start.process.poll() is not None:
                self._note(f"{start.label} ended: {start.process.returncode}")
                self._running.remove(start)

    def _start(self):
        """One of its own session, or of a session that others have, or one that was there before."""
        number = len(self.crew)
        kind = self._rng.choice(("own", "shared", "shared", "kept", "again"))
        hooks = self._rng.choice(self._hooks)
        podman = self._rng.choice(self._podmans)
        if kind == "again" and self._kept:
            name = self._rng.choice(self._kept)
            self._launch(podman.command(hooks, "start", "--attach", name), f"start {name}")
            return
        session = self._rng.choice(SHARED) if kind == "shared" else None
        member = Member(self._directory, number, session or f"own{number}")
        self.crew.append(member)
        script = SCRIPT.format(rounds=self._rng.randint(1, 15))
        request = member.request(self._source, script, session)
        name = f"storm-{number}"
        options = ["--name", name]
        if kind == "kept":
            self._kept.append(name)
        else:
            options.append("--rm")
        words = podman.command(hooks, "run", *options, *podman.create_options(request))
        self._launch(words, f"run {name} ({kind} {member.tag}, {podman.runtime})")

    def _launch(self, words, label):
        self._note(label)
        with open(self._directory / "engines.log", "ab") as log:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        self._running.append(Start(process, label, time.monotonic()))

    def _shoot(self):
        found = victims.find()
        kind = self._rng.choice(victims.KINDS)
        aim = self._rng.random()
        if not found[kind]:
            return
        victim = found[kind][int(aim * len(found[kind]))]
        if victims.kill(victim, signal.SIGKILL):
            self.kills[kind] += 1
            self._note(f"killed {kind} {victim.pid}: {victim.command[:80]}")


SHARED = ("a", "b")


def seed():
    """Of this run; OCI_CNB_SEED repeats another's."""
    return int(os.environ.get("OCI_CNB_SEED") or int.from_bytes(os.urandom(4), "big"))


def seconds():
    return float(os.environ.get("OCI_CNB_STORM_SECONDS", "150"))
