"""Fills a volume: trees.py DIRECTORY UID GID, the ids of the plain user."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "engines"))

from kit import source  # noqa: E402  (the path has to be known first)

OTHER = 12345  # neither root nor the user
PATHS = sorted(source.visible_paths()) + sorted(source.masked_paths())
FILES = sorted(path for path, content in source.VISIBLE.items() if content is not None)

WRITES = """
cd /workspace && echo new > made && rm src/main.c && echo more >> README.md &&
mkdir node_modules target && mv docs/public.secret docs/moved && ! [ -e docs/public.secret ]
"""


def fill(volume, uid, gid):
    """A source for each kind of test, and a place for the scratch of two."""
    for name, owner in {"rootful": (0, 0), "rootless": (uid, gid), "other": (OTHER, OTHER)}.items():
        directory = volume / name
        (directory / "scratch").mkdir(parents=True)
        source.make(directory / "source", *owner)
        for path in (directory, directory / "scratch"):
            os.chown(path, *(owner if name == "rootless" else (0, 0)))
        (directory / "scratch").chmod(0o700)


if __name__ == "__main__":
    fill(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
