"""The programs, each started by a script that puts something before it."""

import pathlib
import platform
import re
import tempfile

from kit.fixtures import CHECKOUT

# finit_module(2) of Linux 3.8 stands before every newer call in the kernel's tables.
LAST_OLD_CALL = {"x86_64": 313, "aarch64": 273}[platform.machine()]
TRACED = re.compile(r"^(?:\d+ +)?\[ *(\d+)\] (\w+)\(", re.MULTILINE)


def launcher():
    """tests/kernels/lacking.cpp, as it was built."""
    return CHECKOUT / "build/release/tests/kernels/lacking"


def wrapped(room, programs, *words):
    """The same programs, started as `words... PROGRAM ARGUMENTS...`."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="wrapped-", dir=room))
    directory.chmod(0o755)
    made = {}
    for name, path in programs.items():
        made[name] = directory / name
        line = " ".join(str(word) for word in words)
        made[name].write_text(f'#!/bin/sh\nexec {line} {path} "$@"\n')
        made[name].chmod(0o755)
    return made


def without(room, programs, numbers):
    """The programs on a kernel without these calls."""
    return wrapped(room, programs, launcher(), ",".join(map(str, sorted(numbers))))


def traced(room, programs):
    """The programs under strace; and a function that gives {number: name} of all they called."""
    output = pathlib.Path(tempfile.mkdtemp(prefix="trace-", dir=room))
    words = ("strace", "--follow-forks", "--syscall-number", "--quiet=all",
             f"--output={output}/$$")

    def calls():
        return {
            int(number): name
            for path in output.iterdir()
            for number, name in TRACED.findall(path.read_text(errors="surrogateescape"))
        }

    return wrapped(room, programs, *words), calls
