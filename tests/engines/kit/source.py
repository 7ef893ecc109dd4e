"""Source trees to mount at /workspace, and a fingerprint that notices any change to one."""

import hashlib
import os
import stat

OLD = 1_600_000_000  # seconds; every time in a fresh tree, so that a touched one is seen
NOTE = "user.note"

IGNORE_FILE = b"""\
# The rules of the example: links, nested directories, exceptions.
.git
**/node_modules
target/
logs/**
!logs/keep.log
*.tmp
**/*.secret
!docs/public.secret
"""

# path -> content; None is a directory. Bytes, as names in a file system are.
VISIBLE = {
    b".dockerignore": IGNORE_FILE,
    b"README.md": b"# example\n",
    b"src": None,
    b"src/main.c": b"int main(void) { return 0; }\n",
    b"src/deep": None,
    b"src/deep/er": None,
    b"src/deep/er/file.txt": b"deep\n",
    b"src/keep.tmp": b"*.tmp is about the root only\n",
    b"packages": None,
    b"packages/app": None,
    b"packages/app/index.js": b"require('dep')\n",
    b"docs": None,
    b"docs/public.secret": b"not so secret\n",
    b"logs": None,
    b"logs/keep.log": b"kept\n",
    b"odd": None,
    b"odd/new\nline": b"1",
    b"odd/inv\xff\xfealid": b"2",
    b"odd/sp ace": b"3",
    b"odd/\"quo'te\"": b"4",
    b"odd/back\\slash": b"5",
    b"odd/-dash": b"6",
    b"odd/\xc3\xbcml\xc3\xa4ut": b"7",
}
VISIBLE_LINKS = {
    b"link": b"src/main.c",
    b"broken": b"nowhere",
    b"escape": b"/etc/passwd",
    b"up": b"../..",
    b"into-masked": b"node_modules/left-pad/index.js",
}
MASKED = {
    b".git": None,
    b".git/HEAD": b"ref: refs/heads/main\n",
    b".git/objects": None,
    b".git/objects/aa": b"blob",
    b"node_modules": None,
    b"node_modules/left-pad": None,
    b"node_modules/left-pad/index.js": b"module.exports = 1\n",
    b"packages/app/node_modules": None,
    b"packages/app/node_modules/dep": None,
    b"packages/app/node_modules/dep/index.js": b"x",
    b"target": None,
    b"target/debug": None,
    b"target/debug/app": b"\x7fELF",
    b"logs/a.log": b"a",
    b"logs/old": None,
    b"logs/old/b.log": b"b",
    b"notes.tmp": b"n",
    b"new\nline.tmp": b"n",
    b"inv\xff.tmp": b"n",
    b"src/deep/er/key.secret": b"k",
    b"docs/private.secret": b"p",
}


def make(root, uid=None, gid=None):
    """Fills root with the example tree; as root, owned by uid and gid."""
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    for path, content in {**VISIBLE, **MASKED}.items():
        full = os.path.join(root, path)
        if content is None:
            os.mkdir(full)
        else:
            with open(full, "wb") as file:
                file.write(content)
    for path, target in VISIBLE_LINKS.items():
        os.symlink(target, os.path.join(root, path))
    os.link(os.path.join(root, b"README.md"), os.path.join(root, b"docs/README.link"))
    os.mkfifo(os.path.join(root, b"target/pipe"))
    os.chmod(os.path.join(root, b"packages/app"), 0o750)
    os.chmod(os.path.join(root, b"src/deep/er"), 0o2775)
    os.setxattr(os.path.join(root, b"packages/app"), NOTE, b"of a masked path's parent")
    os.setxattr(os.path.join(root, b"README.md"), NOTE, b"of a file")
    settle(root, uid, gid)
    return os.fsdecode(root)


def settle(root, uid=None, gid=None):
    """Gives everything below root its owner and the old times, deepest first."""
    root = os.fsencode(root)
    for directory, directories, files in os.walk(root, topdown=False):
        for name in directories + files:
            _settle_one(os.path.join(directory, name), uid, gid)
    _settle_one(root, uid, gid)


def _settle_one(path, uid, gid):
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    if uid is not None:
        os.chown(path, uid, gid if gid is not None else uid, follow_symlinks=False)
        if not os.path.islink(path):
            os.chmod(path, mode)  # chown drops setuid and setgid
    os.utime(path, ns=(OLD * 10**9, OLD * 10**9 + 123_456_789), follow_symlinks=False)


def visible_paths():
    """Every path of the example that a container must see, relative to the source's root."""
    return {*VISIBLE, *VISIBLE_LINKS, b"docs/README.link"}


def masked_paths():
    return {*MASKED, b"target/pipe"}


def fingerprint(root):
    """{path: facts} of a tree and its root: type, mode, owner, size, times, link, xattrs, content.

    Access times are left out: reading is allowed.
    """
    root = os.fsencode(root)
    facts = {b".": _facts(root)}
    pending = [b""]
    while pending:
        directory = pending.pop()
        for name in os.listdir(os.path.join(root, directory) or b"."):
            path = os.path.join(directory, name)
            full = os.path.join(root, path)
            facts[path] = _facts(full)
            if stat.S_ISDIR(os.lstat(full).st_mode):
                pending.append(path)
    return facts


def _facts(path):
    info = os.lstat(path)
    # A directory's size says how its file system grew, but then so does anything added to it.
    facts = (info.st_mode, info.st_uid, info.st_gid, info.st_size, info.st_mtime_ns, info.st_nlink)
    attributes = tuple(
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
    )
    content = None
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
    return facts, attributes, content


def difference(before, after):
    """Lines that tell how two fingerprints differ; empty when they don't."""
    lines = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            lines.append(f"{path!r}: {before.get(path)} -> {after.get(path)}")
    return lines
