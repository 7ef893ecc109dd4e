"""Fifty containers at once: all are there before the first one ends."""

import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

import aftermath
from crew import Member
from kit.engine import Mount, must

COUNT = 50
LIMIT = 600  # seconds; two cores, fifty engines
SCRIPT = """
sign
echo > /gate/{number}
until set -- /gate/*; [ $# -ge {count} ]; do sleep 0.5; done
look all
"""


def one_session(number):
    return "all", "load-all"


def fifty_sessions(number):
    """Named ones, and those that are the container's own."""
    return f"t{number}", f"load-{number}" if number % 2 else None


@pytest.mark.parametrize("sessions", [one_session, fifty_sessions])
def test_fifty_at_once(podmans, hooks, source, room, programs, mounts_before, sessions):
    directory = tempfile.mkdtemp(prefix="crew-", dir=room)
    gate = tempfile.mkdtemp(prefix="gate-", dir=room)
    crew = [Member(directory, number, sessions(number)[0]) for number in range(COUNT)]

    def run(member):
        podman = podmans[member.number % len(podmans)]
        script = SCRIPT.format(number=member.number, count=COUNT)
        request = member.request(source, script, sessions(member.number)[1], (Mount(gate, "/gate"),))
        words = podman.command(hooks, "run", "--rm", *podman.create_options(request))
        return subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)

    try:
        with ThreadPoolExecutor(COUNT) as pool:
            for member, done in zip(crew, pool.map(run, crew), strict=True):
                assert done.returncode == 0, f"{member.number}: {done}"
    finally:
        aftermath.end_containers(podmans[0])
    for member in crew:
        assert member.wrongs() == []
        company = [other for other in crew if other.tag == member.tag]
        expected = {f"by-{other.tag}.{other.number}".encode() for other in company}
        assert member.marks("workspace", "all") == expected
        assert member.marks("layers", "all") == expected
    for number in range(COUNT):
        name = sessions(number)[1]
        if name and f"n-{name}" in aftermath.sessions():
            must([programs["oci-cnb"], "session", "rm", f"n-{name}"])
    assert aftermath.leftovers(programs, mounts_before) == []
