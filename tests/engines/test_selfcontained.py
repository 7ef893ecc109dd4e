"""One file each: no interpreter, no library, no other file is needed to start."""

import os
import shutil

import pytest

from kit import rootfs
from kit.engine import execute, must

HOOKS = ("oci-cnb-precreate", "oci-cnb-createruntime", "oci-cnb-prestart", "oci-cnb-poststop")


@pytest.mark.parametrize("name", (*HOOKS, "oci-cnb"))
def test_no_interpreter_and_no_libraries(programs, name):
    """Read from the file itself: the program header PT_INTERP and DT_NEEDED are absent."""
    data = programs[name].read_bytes()
    assert data[:4] == b"\x7fELF"
    offset = int.from_bytes(data[0x20:0x28], "little")
    size, count = (int.from_bytes(data[at : at + 2], "little") for at in (0x36, 0x38))
    types = {
        int.from_bytes(data[offset + i * size : offset + i * size + 4], "little")
        for i in range(count)
    }
    assert 3 not in types, "PT_INTERP: it needs a dynamic linker"
    dynamic_type = int.from_bytes(data[0x10:0x12], "little")
    assert dynamic_type == 3, "not position-independent (ET_DYN)"


@pytest.fixture(params=["scratch", "no-glibc"])
def tree(request, room):
    path = room / f"tree-{request.param}"
    path.mkdir()
    if request.param == "no-glibc":
        rootfs.extract("basic", path)
    yield path
    shutil.rmtree(path)


def chroot(tree, *argv, stdin=b""):
    """As an ordinary user through a user namespace of its own."""
    wrapper = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
    return execute([*wrapper, "/usr/sbin/chroot", tree, *argv], stdin=stdin, env={})


@pytest.mark.parametrize("name", HOOKS)
def test_hook_in_a_tree_with_nothing(programs, tree, name):
    """It starts, reads stdin and answers in its own words."""
    shutil.copy(programs[name], tree / "hook")
    result = chroot(tree, "/hook", stdin=b"{")
    code = ("config", 21) if name == "oci-cnb-precreate" else ("state", 20)
    assert result.status == code[1], str(result)
    assert f"{name}: {code[0]}: " in result.stderr or f"hook: {code[0]}: " in result.stderr


def test_command_in_a_tree_with_nothing(programs, tree):
    shutil.copy(programs["oci-cnb"], tree / "oci-cnb")
    assert chroot(tree, "/oci-cnb", "--version").status == 0
    (tree / "src/.git").mkdir(parents=True)
    (tree / "src/a").write_text("a")
    result = chroot(tree, "/oci-cnb", "context", "list", "/src")
    assert (result.status, result.stdout) == (0, b"a\n"), str(result)


@pytest.mark.rootful
def test_precreate_as_a_filter_without_glibc(programs, room):
    """In a tree of busybox alone, from a shell pipe."""
    path = room / "tree-filter"
    path.mkdir()
    try:
        rootfs.extract("basic", path)
        shutil.copy(programs["oci-cnb-precreate"], path / "bin")
        script = """echo '{"process":{"cwd":"/"}}' | oci-cnb-precreate"""
        result = must(["/usr/sbin/chroot", path, "/bin/sh", "-c", script], env={"PATH": "/bin"})
        assert result.stdout == b'{"process":{"cwd":"/"}}\n'
    finally:
        shutil.rmtree(path)
