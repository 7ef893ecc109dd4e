"""What a container of these tests does, and what its record tells afterwards.

The record is a directory of the host that is mounted at /record: it outlives whatever is killed.
"""

import pathlib

from kit import source as tree
from kit.engine import Mount, Request

MARK = b"by-"
# In /workspace and in /layers, a mark for the container; in a file of the source, its session's tag.
SIGN = """
echo > /workspace/by-{tag}.{number}
echo > /layers/by-{tag}.{number}
echo {tag} >> /workspace/README.md
"""
# Whatever can be listed, and every masked name by itself: the two go different ways in overlayfs.
LOOK = """
look() {{
  find /workspace -mindepth 1 -print0 > /record/workspace.$1
  find /layers -mindepth 1 -print0 > /record/layers.$1
  cat /workspace/README.md > /record/readme.$1
  for path in {masked}; do
    if [ -e "/workspace/$path" ] || [ -L "/workspace/$path" ]; then echo "$path" >> /record/masked; fi
  done
  echo > /record/looked.$1
}}
"""
BEGIN = "echo > /record/started\n"


def _plain(paths):
    text = (path.decode("ascii", "replace") for path in sorted(paths))
    return [path for path in text if path.isprintable() and "\ufffd" not in path]


class Member:
    """One container of a session that has this tag."""

    def __init__(self, directory, number, tag):
        self.number, self.tag = number, tag
        self.record = pathlib.Path(directory) / f"{number}"
        self.record.mkdir(parents=True)

    def request(self, source, script, session=None, mounts=()):
        """A container that runs script, in which sign and look are known."""
        annotations = {"io.cnb.hooks.role": "dev"}
        if session:
            annotations["io.cnb.hooks.session"] = session
        sign = f"sign() {{{SIGN.format(tag=self.tag, number=self.number)}}}\n"
        look = LOOK.format(masked=" ".join(_plain(tree.masked_paths())))
        return Request(
            sign + look + BEGIN + script,
            source,
            annotations=annotations,
            mounts=(Mount(str(self.record), "/record"), *mounts),
        )

    @property
    def started(self):
        return (self.record / "started").exists()

    @property
    def looks(self):
        return sorted(path.suffix[1:] for path in self.record.glob("looked.*"))

    def marks(self, where, look):
        """The marks that it has seen below where ("workspace" or "layers") in that look."""
        return {path for path in self._listed(where, look) if path.startswith(MARK)}

    def wrongs(self):
        """What it must never have seen, a line each."""
        found = [f"masked: {name}" for name in self._lines("masked")]
        for path in self.record.glob("workspace.*"):
            found += [
                f"{path.name}: {name!r}"
                for name in self._listed("workspace", path.suffix[1:])
                if name not in tree.visible_paths() and not self._ours(name)
            ]
        for path in self.record.glob("layers.*"):
            found += [
                f"{path.name}: {name!r}"
                for name in self._listed("layers", path.suffix[1:])
                if not self._ours(name)
            ]
        original = tree.VISIBLE[b"README.md"].decode().splitlines()
        for path in self.record.glob("readme.*"):
            found += [
                f"{path.name}: {line!r}"
                for line in self._lines(path.name)
                if line not in (*original, self.tag)
            ]
        return [f"container {self.number} of {self.tag} saw {what}" for what in found]

    def _ours(self, name):
        return name.startswith(MARK + self.tag.encode() + b".")

    def _listed(self, where, look):
        """Paths relative to the root that was listed; the last may be cut off, where it was killed."""
        data = (self.record / f"{where}.{look}").read_bytes()
        return {path.split(b"/", 2)[2] for path in data.split(b"\0")[:-1]}

    def _lines(self, name):
        """Whole lines only, for the same reason."""
        path = self.record / name
        return path.read_text().split("\n")[:-1] if path.exists() else []
