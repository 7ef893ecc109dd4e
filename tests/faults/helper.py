"""The helper of a workspace of fuse-overlayfs, a child of the mount hook: its calls, and letting them fail."""

import dataclasses
import json
import re
import subprocess
import tempfile

from bundle import CALL, LIMIT, Call
from errnos import LEFT_OUT
from kit import traces

PATH = re.compile(r"[<\"](/[^>\"]+)[>\"]")
NEVER = LEFT_OUT - {"execve"}
LINE = re.compile(r"(\d+) +(.*)")


@dataclasses.dataclass(frozen=True)
class HelperCall(Call):
    """One of the helper's; path: with it, strace takes no other process's call for it."""

    path: str = ""

    @property
    def options(self):
        """Of strace, besides what is to happen at the call."""
        return (f"--trace-path={self.path}",) if self.path else ()


def daemons():
    """Helpers and fuse-overlayfs that run."""
    return [line for line in traces.processes() if "fuse" in line.split()[1]]


def followed(bundle, container, *options):
    """Runs the mount hook, and strace with these options on it and on what it starts, for as long as
    that lives; (exit status of the hook, stderr)."""
    words = ["strace", "--daemonize", "--follow-forks", "--quiet=attach", "--output=/dev/null",
             *options, bundle.programs["oci-cnb-createruntime"]]
    document = json.dumps(bundle.state(container)).encode()
    with tempfile.TemporaryFile() as errors:  # a pipe would end with strace
        status = subprocess.run(words, input=document, stderr=errors, stdout=subprocess.DEVNULL,
                                timeout=LIMIT, check=False).returncode
        errors.seek(0)
        return status, errors.read().decode("utf-8", "backslashreplace")


def _processes(bundle):
    """[(name, arguments) of its calls] of hook, helper and fuse-overlayfs, in a run without failure."""
    output = bundle.path / "trace"
    container = bundle.start()
    assert followed(bundle, container, f"--output={output}", "--decode-fds=path") == (0, "")
    container.end()
    assert traces.settled(lambda: output.read_text().count("+++ exited with 0"), 3) == 3
    found = {}
    for line in output.read_text().splitlines():
        pid, text = LINE.fullmatch(line).groups()
        match = CALL.match(text)
        if match:
            found.setdefault(pid, []).append(match.groups())
    output.unlink()
    return found.values()


def calls_of_helper(bundle):
    """(those from its start by the hook to its end, how many could not be told from others'). What
    is tried once a boot has been."""
    hook, helper, daemon = _processes(bundle)
    helper = [(name, arguments) for name, arguments in helper if name not in NEVER]
    found = []
    for at, (name, arguments) in enumerate(helper):
        for path in ("", *PATH.findall(arguments)):
            def alike(call, path=path, name=name):
                return call[0] == name and (f"<{path}>" in call[1] or f'"{path}"' in call[1] or not path)

            nth = sum(map(alike, helper[:at + 1]))
            # strace counts in each process by itself.
            if max(sum(map(alike, hook)), sum(map(alike, daemon))) < nth:
                found.append(HelperCall(name, nth, arguments, path))
                break
    return found, len(helper) - len(found)
