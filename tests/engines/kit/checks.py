"""What the tests assert again and again."""

import re

# Exit codes of hooks, as documented in README: crun shows nothing but these numbers.
EXIT_CODES = {
    "state": 20,
    "config": 21,
    "annotation": 22,
    "settings": 23,
    "ignore-file": 24,
    "source": 25,
    "layout": 26,
    "environment": 27,
    "ids": 28,
    "scratch": 29,
    "session": 30,
    "system": 31,
}


def started(result):
    """The container ran to its end; gives what it printed."""
    assert result.started, f"the container did not start: {result}"
    assert result.status == 0, str(result)
    return result.facts


def refused(result, code, *fragments):
    """The container never ran, and one line says why: `PROGRAM: CODE: what; where; what to do`."""
    assert not result.started, f"the container ran: {result}"
    assert result.status != 0, str(result)
    assert code in EXIT_CODES
    program = "oci-cnb(?:-precreate|-createruntime|-prestart|)"
    # The log has time and container before the message, stderr the message alone. crun drops the
    # latter, podman that of precreate.
    found = re.findall(rf"^\S+Z {program} \S+ error ({code}: .*)$", result.log, re.MULTILINE)
    lines = [*found, *re.findall(rf"\b{program}: ({code}: .*)", result.stderr)]
    assert lines, f"no line of code {code} in log or stderr: {result}"
    told = re.search(r"\(exit code: (\d+)\)|error running hook: exit status (\d+)", result.stderr)
    if told:
        assert int(told.group(1) or told.group(2)) == EXIT_CODES[code], str(result)
    for fragment in fragments:
        assert fragment in lines[0], f"{fragment!r} is not in {lines[0]!r}"
    return lines[0]


def overlay_at(facts, target="/workspace", name="mounts"):
    """The overlay mount there; it is the topmost, and the only way to see anything below."""
    mount = facts.mount(target, name)
    assert mount is not None, f"nothing is mounted at {target}: {facts.mounts(name)}"
    assert mount.type in ("overlay", "fuse.fuse-overlayfs"), mount
    return mount
