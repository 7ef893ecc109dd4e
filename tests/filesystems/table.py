"""What is expected of each source and scratch, and the page of it in the documentation.

    python3 tests/filesystems/table.py > packaging/doc/file-systems.md
"""

import dataclasses

WRITABLE = ("ext4", "xfs", "btrfs", "tmpfs", "fuse", "overlay")
READ_ONLY = ("squashfs", "erofs")
FILE_SYSTEMS = (*WRITABLE, *READ_ONLY)
SHARED = ("virtiofs", "9p")  # what a host shares with a virtual machine
UPPERS = ("ext4", "xfs", "btrfs", "tmpfs")  # what the kernel takes as an overlay's upper
ID_MAPPED = UPPERS


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where a source and where scratch may lie on a machine."""

    sources: tuple
    scratches: tuple


MACHINES = {
    "host": Machine(FILE_SYSTEMS, FILE_SYSTEMS),
    "guest": Machine(SHARED, ("ext4", "tmpfs", *SHARED)),  # tests/guest
}

INTRODUCTION = """\
# File systems

What becomes of a container whose source lies on the file system of the row and whose scratch (`scratch-dir` in
config.toml) on that of the column, as root and as a plain user alike. `fuse` is a pass-through, as sshfs is one;
`overlay` is a container's own root, in which another container starts. This is about the kernel's overlay alone,
with `way = "overlay"` in config.toml: without that line the next way is tried where the scratch is refused.

"""
SHARES = """
The same in a virtual machine, as under macOS and Windows: a source that the host shares with it by virtiofs or 9p,
scratch on the machine's own disk (ext4), in its memory or on a share; Debian's kernel, as root.

"""
NOTES = """
- overlay: the kernel's overlay; masked, writable, the source untouched.
- read-only: the same without an upper: a source that is mounted read-only stays so, and needs no scratch.
- refused: the container doesn't start, and one line says why: the scratch directory can't be an overlay's upper,
  or the store can't be made there (exit code 29). `io.cnb.hooks.scratch=tmpfs` needs no scratch directory for the
  upper.

A source that belongs to another user is shown to root's containers as the process's own where it lies on
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a container is served, or the code of its refusal and words of its line.

    silent: the line can't be kept, since there is no store.
    """

    name: str
    words: str = ""
    silent: bool = False

    @property
    def served(self):
        return self.name in ("overlay", "read-only")


def expected(source, scratch):
    if scratch in READ_ONLY:
        return Outcome("scratch", silent=True)
    if source in READ_ONLY:
        return Outcome("read-only")
    if scratch in UPPERS:
        return Outcome("overlay")
    return Outcome("scratch", f"lies on {scratch}, which can't be an overlay's upper")


def expected_of_another_owner(source):
    """As root, with scratch on ext4."""
    if source in READ_ONLY:
        return Outcome("read-only")
    if source in ID_MAPPED:
        return Outcome("overlay")
    return Outcome("ids", "put the source on ext4, xfs, btrfs or tmpfs")


def page():
    def cell(outcome):
        return outcome.name if outcome.served else f"refused ({outcome.name})"

    def table(machine):
        columns = machine.scratches
        lines = ["| source | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        for source in machine.sources:
            cells = [cell(expected(source, scratch)) for scratch in columns]
            lines.append(f"| **{source}** | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    mapped = ", ".join(ID_MAPPED[:-1]) + f" or {ID_MAPPED[-1]}"
    return (INTRODUCTION + table(MACHINES["host"]) + SHARES + table(MACHINES["guest"]) + NOTES +
            f"{mapped} (an id-mapped lower); elsewhere the container is refused (`ids`, 28).\n")


if __name__ == "__main__":
    print(page(), end="")
