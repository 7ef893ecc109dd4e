#!/usr/bin/env python3
"""Which share of libhookcore's lines a build that counts them (OCI_CNB_COVERAGE) has run.

    coverage.py BUILD_DIR

Prints a line a folder, the folders that lack most first, and the sum. Children that are killed, or become
another program, have counted nothing.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def summary(build):
    """Of each file: what gcovr says of it."""
    words = ["gcovr", "--root", str(CHECKOUT), "--object-directory", str(build), "--filter", "libhookcore/",
             "--json-summary", "-j", str(os.cpu_count()), str(build / "libhookcore")]
    done = subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["files"]


def main():
    lines, run = collections.Counter(), collections.Counter()
    for file in summary(pathlib.Path(sys.argv[1]).resolve()):
        folder = pathlib.PurePath(file["filename"]).parent.as_posix()
        lines[folder] += file["line_total"]
        run[folder] += file["line_covered"]
    if not run.total():
        sys.exit("coverage.py: no line was counted: is this a build with OCI_CNB_COVERAGE, and were its tests run?")
    print("lines of libhookcore that unit and kernel tests run:")
    for folder in sorted(lines, key=lambda name: run[name] / lines[name]):
        print(f"  {folder:28} {run[folder]:6} of {lines[folder]:6}  {100 * run[folder] / lines[folder]:5.1f} %")
    print(f"  {'together':28} {run.total():6} of {lines.total():6}  {100 * run.total() / lines.total():5.1f} %")


if __name__ == "__main__":
    main()
