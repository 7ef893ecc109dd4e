"""Hostile or mistaken images, sources and annotations: each refused with its own words."""

import os
import shutil
import tempfile

import pytest

from kit import source as tree
from kit.checks import overlay_at, refused, started
from kit.probe import Probe


def dev(**more):
    return {"io.cnb.hooks.role": "dev", **{f"io.cnb.hooks.{key}": more[key] for key in more}}


def test_unknown_annotation_key(engine, hooks, ask):
    """A slip of the pen in `role` itself would mean: not opted in. It is told about."""
    result = engine.run(ask(Probe().script(), annotations={"io.cnb.hooks.rol": "dev"}), hooks)
    refused(result, "annotation", "io.cnb.hooks.rol", "io.cnb.hooks.role")


def test_unknown_annotation_value(engine, hooks, ask):
    result = engine.run(ask(Probe().script(), annotations={"io.cnb.hooks.role": "deb"}), hooks)
    refused(result, "annotation", "deb", "dev")


def ignore_with(content):
    def fill(path):
        tree.make(path)
        target = os.path.join(path, ".dockerignore")
        os.unlink(target)
        content(target)

    return fill


def written(data):
    def write(target):
        with open(target, "wb") as file:
            file.write(data)

    return write


BAD_IGNORE_FILES = {
    "pattern": (written(b"# fine\n\n[\n"), ('".dockerignore":3', '"["')),
    "directory": (os.mkdir, (".dockerignore",)),
    "fifo": (os.mkfifo, (".dockerignore",)),
    # Links are followed inside the source: there is no /etc/passwd there.
    "link-out": (lambda target: os.symlink("/etc/passwd", target), (".dockerignore", "link")),
    "link-loop": (lambda target: os.symlink(".dockerignore", target), (".dockerignore",)),
}


@pytest.mark.parametrize("name", sorted(BAD_IGNORE_FILES))
def test_bad_ignore_file(engine, hooks, ask, make_source, name):
    content, fragments = BAD_IGNORE_FILES[name]
    source = make_source(fill=ignore_with(content))
    refused(engine.run(ask(Probe().script(), source=source), hooks), "ignore-file", *fragments)


def test_ignore_file_that_is_absent(engine, hooks, ask):
    annotations = dev(**{"ignore-file": "absent.ignore"})
    result = engine.run(ask(Probe().script(), annotations=annotations), hooks)
    refused(result, "ignore-file", "absent.ignore")


def test_broken_project_toml(engine, hooks, ask, make_source):
    def fill(path):
        written(b"[io.buildpacks]\nexclude = [\n")(os.path.join(path, "project.toml"))

    source = make_source(fill=fill)
    result = engine.run(ask(Probe().script(), source=source), hooks)
    refused(result, "ignore-file", "project.toml")


@pytest.mark.parametrize("image", ["link-to-etc", "link-up", "link-loop", "file"])
def test_hostile_workspace_in_the_image(engine, hooks, ask, room, image):
    """The engine or the hook refuses, or the overlay stands inside the container: never outside.

    The source isn't compared here: podman makes /etc/hostname and others in the very directory that
    such a link puts at /etc, hooks or not.
    """
    source = tempfile.mkdtemp(prefix="unchecked-", dir=room)
    tree.make(source)
    etc = tree.fingerprint("/etc/containers")
    probe = Probe().basics().add("write", "echo x > /workspace/written")
    result = engine.run(ask(probe.script(), image=image, source=source), hooks)
    assert tree.difference(etc, tree.fingerprint("/etc/containers")) == []
    assert not os.path.exists(os.path.join(source, "written"))
    if result.started:
        assert [m for m in result.facts.mounts() if m.type == "overlay" and m.target != "/"]
    else:
        assert result.status != 0
    shutil.rmtree(source)


def test_link_inside_the_image(engine, hooks, ask):
    """/workspace -> srv/app is what an image may well have."""
    result = engine.run(ask(Probe().basics().tree(root="/workspace/").script(), image="link-inside"),
                        hooks)
    if result.started:
        assert result.facts.paths() == tree.visible_paths()
        assert [m for m in result.facts.mounts() if m.target == "/srv/app" and m.type == "overlay"]
    else:
        refused(result, "layout", "/workspace")


def test_layers_is_a_link(engine, hooks, ask):
    """/layers -> /etc: the session's layers must not end up on the image's /etc, nor the host's."""
    before = tree.fingerprint("/etc/containers")
    probe = Probe().basics().add("etc", "cat /etc/passwd")
    result = engine.run(ask(probe.script(), image="layers-link"), hooks)
    assert tree.difference(before, tree.fingerprint("/etc/containers")) == []
    if result.started:
        assert "root" in result.facts.text("etc")
    else:
        refused(result, "layout", "/layers")


def test_source_that_is_a_file(engine, hooks, ask, room):
    """A file mounted at /workspace is no source."""
    path = room / "plain-file"
    path.write_text("x")
    result = engine.run(ask(Probe().script(), source=str(path)), hooks)
    refused(result, "layout", "/workspace is not a directory")


def test_source_that_is_a_proc(podman, hooks, ask):
    """CVE-2019-19921's kin: procfs where a directory of files was expected."""
    result = podman.run(ask(Probe().script(), source="/proc/sys"), hooks)
    refused(result, "layout", "/workspace", "proc")


def test_odd_names_of_masks(engine, hooks, ask, make_source):
    """Newlines, invalid UTF-8, quotes and globs in names of masked and visible entries."""
    names = [b"a\nb", b"\xff\xfe", b'q"uote', b"st*r", b"br[ack]et", b"tab\t", b" lead", b"\x1b[31m"]

    def fill(path):
        root = os.fsencode(path)
        for name in names:
            for kind in (b"keep-", b"mask-"):
                os.makedirs(os.path.join(root, kind + name, b"in"))
        with open(os.path.join(root, b".dockerignore"), "wb") as file:
            file.write(b"mask-*\n")

    source = make_source(fill=fill)
    facts = started(engine.run(ask(Probe().basics().tree().script(), source=source), hooks))
    overlay_at(facts)
    expected = {b".dockerignore"}
    for name in names:
        # "*" matches every byte but "/": a name with a newline in it as well.
        expected |= {b"keep-" + name, b"keep-" + name + b"/in"}
    assert facts.paths() == expected
