"""Small images made of busybox-static alone: no registry is asked for anything."""

import functools
import io
import shutil
import subprocess
import tarfile

PASSWD = b"root:x:0:0:root:/root:/bin/sh\ncnb:x:1001:1001:cnb:/home/cnb:/bin/sh\n"
GROUP = b"root:x:0:\ncnb:x:1001:\n"

# name -> (entries besides the common ones, options of `podman import --change`)
# An entry is (path, kind, value, uid): kind "dir" with a mode, "file" with content, "link" with a target.
VARIANTS = {
    "basic": ([], []),
    "user1001": ([("home/cnb", "dir", 0o755, 1001)], ["USER=1001:1001"]),
    "builder": (
        [
            ("workspace", "dir", 0o755, 1001),
            ("layers", "dir", 0o755, 1001),
            ("cnb", "dir", 0o755, 0),
            ("cnb/lifecycle", "dir", 0o755, 0),
            ("cnb/lifecycle/builder", "file", b"#!/bin/sh\necho builder-ran\n", 0),
            ("cnb/lifecycle/creator", "file", b"#!/bin/sh\necho creator-ran\n", 0),
            ("cnb/lifecycle/detector", "file", b"#!/bin/sh\necho detector-ran\n", 0),
            ("platform", "dir", 0o755, 0),
            ("platform/env", "dir", 0o755, 0),
            ("platform/env/FROM_IMAGE", "file", b"yes", 0),
        ],
        ["ENV=CNB_USER_ID=1001", "ENV=CNB_GROUP_ID=1001", "WORKDIR=/layers"],
    ),
    "link-to-etc": ([("workspace", "link", "/etc", 0)], []),
    "link-up": ([("workspace", "link", "../..", 0)], []),
    "link-loop": ([("workspace", "link", "loop", 0), ("loop", "link", "workspace", 0)], []),
    "link-inside": (
        [("workspace", "link", "srv/app", 0), ("srv", "dir", 0o755, 0), ("srv/app", "dir", 0o755, 0)],
        [],
    ),
    "file": ([("workspace", "file", b"not a directory\n", 0)], []),
    "layers-link": ([("layers", "link", "/etc", 0)], []),
    # An image that tries to opt itself in and to steer the hooks.
    "hostile": (
        [("evil.so", "file", b"\x7fELF not a library\n", 0)],
        ["ENV=LD_PRELOAD=/evil.so", "LABEL=io.cnb.hooks.role=dev"],
    ),
}

# Images that a build made: name -> the image, see tests/build/images.py.
ADOPTED = {}


def adopt(name, image):
    """From now on name is a variant like the others."""
    ADOPTED[name] = image
    return name


@functools.lru_cache(maxsize=None)
def tarball(variant):
    """The root file system of a variant as an uncompressed tar."""
    extra, _ = VARIANTS[variant]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("bin", "etc", "root", "usr", "usr/bin", "proc", "sys", "dev"):
            _add(tar, name, "dir", 0o755, 0)
        _add(tar, "tmp", "dir", 0o1777, 0)
        with open(shutil.which("busybox"), "rb") as file:
            _add(tar, "bin/busybox", "file", file.read(), 0)
        for applet in _applets():
            _add(tar, f"bin/{applet}", "link", "busybox", 0)
        _add(tar, "etc/passwd", "file", PASSWD, 0)
        _add(tar, "etc/group", "file", GROUP, 0)
        for path, kind, value, uid in extra:
            _add(tar, path, kind, value, uid)
    return buffer.getvalue()


@functools.lru_cache(maxsize=None)
def _applets():
    names = subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout
    return [name for name in names.split() if name not in ("busybox", "") and "/" not in name]


def _add(tar, path, kind, value, uid):
    entry = tarfile.TarInfo(path)
    entry.uid = entry.gid = uid
    entry.mtime = 1_600_000_000
    content = None
    if kind == "dir":
        entry.type, entry.mode = tarfile.DIRTYPE, value
    elif kind == "link":
        entry.type, entry.linkname = tarfile.SYMTYPE, value
    else:
        entry.mode, entry.size, content = 0o755, len(value), io.BytesIO(value)
    tar.addfile(entry, content)


def extract(variant, directory):
    """The variant as a plain directory, for a bundle; owners are the caller's when not root."""
    layers = ADOPTED[variant].layers() if variant in ADOPTED else [tarball(variant)]
    for layer in layers:
        subprocess.run(["tar", "--extract", "--directory", directory], input=layer, check=True)


def changes(variant):
    """Options of `podman import`."""
    return [part for change in VARIANTS[variant][1] for part in ("--change", change)]
