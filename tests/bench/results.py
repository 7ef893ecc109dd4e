"""Lines of a benchmark's output as JSON, with the machine and the command that made them.

    results.py COMMAND... < LINES > FILE          (run.sh --json calls it)
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys

FIELDS = ("what", "ours", "peer", "ratio", "bar", "met")


def first(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def version(program):
    """The first line of what it says of itself."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        return "not installed"


def machine():
    return {
        "processor": first(r"^model name\s*: (.*)$", "/proc/cpuinfo"),
        "cpus": os.cpu_count(),
        "memory": f'{int(first(r"^MemTotal: +(.*) kB$", "/proc/meminfo")) / 2**20:.0f} GiB',
        "kernel": f"Linux {platform.release().split('-')[0]}",
        "system": first(r'^PRETTY_NAME="(.*)"$', "/etc/os-release"),
        "load": f"{os.getloadavg()[1]:.0f}",  # of the last five minutes, the benchmark's own among it
        "programs": [version(program) for program in ("podman", "crun", "rsync")],
    }


def main():
    lines = [line.rstrip("\n").split("\t") for line in sys.stdin]
    json.dump({
        "command": " ".join(sys.argv[1:]),
        "machine": machine(),
        "rows": [dict(zip(FIELDS, fields[1:])) for fields in lines if fields[0] == "row"],
        "notes": ["\t".join(fields[1:]) for fields in lines if fields[0] == "note"],
    }, sys.stdout, indent=1)
    print()


main()
