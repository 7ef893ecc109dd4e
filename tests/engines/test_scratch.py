"""Where the upper lives, and what happens when it can't."""

import os
import pathlib
import shutil
import tempfile

import pytest

from kit import traces
from kit.checks import overlay_at, refused, started
from kit.probe import Probe

FILL = """
cd /workspace
dd if=/dev/zero of=big bs=64k count=1024 2>&1; echo "dd=$?"
rm -f big; echo small > small && cat small
"""


def dev(**more):
    return {"io.cnb.hooks.role": "dev", **{f"io.cnb.hooks.{key}": more[key] for key in more}}


@pytest.mark.parametrize("size", ["8m", str(8 << 20)])
def test_tmpfs_is_full_and_the_container_lives(engine, hooks, ask, size):
    probe = Probe().basics().add("fill", FILL)
    request = ask(probe.script(), annotations=dev(scratch=f"tmpfs:{size}"))
    facts = started(engine.run(request, hooks))
    overlay_at(facts)
    assert "No space left on device" in facts.text("fill")
    assert facts.lines("fill")[-1] == "small"


def test_tmpfs_without_a_size(engine, hooks, ask):
    probe = Probe().basics().add("write", "dd if=/dev/zero of=/workspace/big bs=1M count=10")
    facts = started(engine.run(ask(probe.script(), annotations=dev(scratch="tmpfs")), hooks))
    overlay_at(facts)
    assert facts.status("write") == 0


def test_configuration_sets_defaults(engine, hooks, ask, settings):
    settings('platform-api = "0.10"\nscratch = "tmpfs:8m"\n')
    probe = Probe().basics().add("fill", FILL)
    facts = started(engine.run(ask(probe.script()), hooks))
    assert facts.env["CNB_PLATFORM_API"] == "0.10"
    assert "No space left on device" in facts.text("fill")


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ('platfrm-api = "0.10"\n', ("config.toml:1", "platform-api")),
        ('\nscratch = "floppy"\n', ("config.toml:2", "floppy")),
        ("scratch = \n", ("config.toml:1",)),
    ],
    ids=["key", "value", "syntax"],
)
def test_broken_configuration(engine, hooks, ask, settings, text, fragments):
    settings(text)
    refused(engine.run(ask(Probe().script()), hooks), "settings", *fragments)


def test_configuration_that_others_can_write(engine, hooks, ask, settings, rootless):
    settings('platform-api = "0.10"\n')
    base = pathlib.Path.home() / ".config" if rootless else pathlib.Path("/etc")
    (base / "oci-cnb-hooks/config.toml").chmod(0o666)
    refused(engine.run(ask(Probe().script()), hooks), "settings", "config.toml")


@pytest.mark.rootful
def test_configured_cnb_directory(engine, hooks, ask, settings, make_source):
    """/cnb for images that have none, read-only."""

    def fill(path):
        os.mkdir(os.path.join(path, "lifecycle"))
        with open(os.path.join(path, "lifecycle/builder"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")

    settings(f'cnb-dir = "{make_source(fill=fill)}"\n')
    probe = Probe().basics().add("cnb", "ls /cnb/lifecycle").add("write", "echo x > /cnb/x")
    request = ask(probe.script(), annotations={"io.cnb.hooks.role": "build"})
    facts = started(engine.run(request, hooks))
    assert facts.text("cnb") == "builder"
    assert facts.status("write") != 0


@pytest.mark.rootful
def test_scratch_on_an_unfit_file_system(engine, hooks, ask, settings):
    """/usr of the lab is an overlay: no upper can stand on it. The message says so, and the next way
    is taken, which is found out once."""
    scratch = "/usr/local/scratch"
    os.mkdir(scratch, 0o700)
    try:
        for found_out in range(2):
            settings(f'scratch-dir = "{scratch}"\n')
            probe = Probe().basics().add("write", "cd /workspace; echo x > x; mv README.md y; ls .git")
            facts = started(engine.run(ask(probe.script()), hooks))
            assert facts.mount("/workspace").type == "fuse.oci-cnb"
            assert facts.status("write") != 0 and "y" not in facts.text("write"), "masks are there"
            tried = pathlib.Path(scratch, "ways-tried").read_text()
            assert " fuse works\n" in tried
            assert " overlay the scratch directory lies on overlay" in tried
            # The log lives where the scratch does.
            told = pathlib.Path(scratch, "log/hooks.log").read_text()
            assert told.count("way fuse: overlay: the scratch directory lies on overlay") == found_out + 1
        settings(f'scratch-dir = "{scratch}"\nway = "overlay"\n')
        result = engine.run(ask(Probe().script()), hooks)
        result.log += pathlib.Path(scratch, "log/hooks.log").read_text()
        refused(result, "scratch", "overlay: the scratch directory lies on overlay",
                'fuse: way = "overlay" is configured')
        assert traces.settled(lambda: os.listdir(f"{scratch}/sessions"), []) == []
    finally:
        traces.settled(traces.programs_of_ours, [])
        shutil.rmtree(scratch)


@pytest.mark.rootful
@pytest.mark.parametrize("way,workspace", [("auto", "overlay"), ("copy", "readonly")])
def test_scratch_inside_the_source(engine, hooks, ask, settings, room, way, workspace):
    """The kernel would take an upper inside its own lower, and a copy would copy itself: we don't."""
    source = tempfile.mkdtemp(prefix="unchecked-", dir=room)
    scratch = os.path.join(source, "scratch")
    os.mkdir(scratch, 0o700)
    try:
        settings(f'scratch-dir = "{scratch}"\nway = "{way}"\n')
        request = ask(Probe().script(), source=source, annotations=dev(workspace=workspace))
        result = engine.run(request, hooks)
        result.log += pathlib.Path(scratch, "log/hooks.log").read_text()
        refused(result, "scratch", "inside the source")
        assert os.listdir(f"{scratch}/sessions") == []
    finally:
        shutil.rmtree(source)
