"""kill -9 of engines, runtimes, hooks and containers at random, for minutes."""

import random
import tempfile

import aftermath
import victims
from kit.engine import must
from storm import SHARED, Storm, seconds, seed

SHOWN = 60  # events, when something is wrong
ENOUGH = 10  # containers that ran; far fewer than any machine manages


def test_kill_at_random(podmans, hooks, source, room, programs, mounts_before):
    chosen = seed()
    directory = tempfile.mkdtemp(prefix="storm-", dir=room)
    storm = Storm(random.Random(chosen), podmans, hooks, programs, source, directory)
    try:
        storm.rage(seconds())
    finally:
        storm.calm()
        aftermath.end_containers(podmans[0])
    wrongs = [line for member in storm.crew for line in member.wrongs()]
    for name in SHARED:
        if f"n-{name}" in aftermath.sessions():
            must([programs["oci-cnb"], "session", "rm", f"n-{name}"])
    wrongs += aftermath.leftovers(programs, mounts_before)
    ran = sum(member.started for member in storm.crew)
    print(f"OCI_CNB_SEED={chosen}: {len(storm.crew)} containers, {ran} ran, killed {storm.kills}")
    print("\n".join(storm.events[-SHOWN:]))
    assert wrongs == []
    # Else nothing was tried.
    assert ran >= ENOUGH
    assert all(storm.kills[kind] for kind in victims.KINDS)
