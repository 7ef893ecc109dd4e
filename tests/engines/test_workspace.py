"""The main job: a filtered, writable view of an untouched source, on every engine."""

import os

import pytest

from kit import source as tree
from kit.checks import overlay_at, started
from kit.engine import Mount
from kit.probe import Probe

VISIBLE = sorted(tree.visible_paths())
MASKED = sorted(tree.masked_paths())
# Parents of masks: their metadata comes from the mask layer and must equal the source's.
PARENTS = [b".", b"packages", b"packages/app", b"src", b"src/deep", b"src/deep/er", b"docs", b"logs"]

WRITES = """
set -e
cd /workspace
echo new > created.txt; grep -q new created.txt
echo more >> README.md; grep -q more README.md
mv src/main.c src/renamed.c; [ ! -e src/main.c ]
rm src/deep/er/file.txt; [ ! -e src/deep/er/file.txt ]
rm -r odd; [ ! -e odd ]
mkdir odd; [ -z "$(ls -A odd)" ]
mkdir node_modules; echo own > node_modules/own.js; [ "$(ls node_modules)" = own.js ]
mkdir -p target/debug; [ -z "$(ls target/debug)" ]
echo mine > .git; [ "$(cat .git)" = mine ]
ln -s created.txt soft; ln created.txt hard; chmod 600 created.txt
mkdir packages/app/node_modules; [ -z "$(ls -A packages/app/node_modules)" ]
"""


def test_dev_container(engine, hooks, ask, rootless):
    """Everything that role=dev promises, seen from inside one container."""
    probe = Probe().basics().tree().stat(PARENTS).lookup(VISIBLE + MASKED)
    probe.add("attribute", "cd /workspace; ls -ld packages/app; cat src/main.c")
    probe.add("special", "ls -ld /layers /platform /tmp; touch /layers/x /tmp/x")
    probe.add("writes", WRITES).tree("after")
    facts = started(engine.run(ask(probe.script()), hooks))

    mount = overlay_at(facts)
    assert "rw" in mount.options
    assert not [option for option in mount.optional if option.startswith("shared")]
    if rootless and mount.type == "overlay":
        assert "userxattr" in mount.super_options
    below = [m for m in facts.mounts() if m.target == "/workspace" and m.type != mount.type]
    assert all("ro" in other.options for other in below), f"writable below the overlay: {below}"

    assert facts.paths() == tree.visible_paths()
    assert facts.found(VISIBLE + MASKED) == set(VISIBLE)

    assert facts.cwd == "/workspace"
    assert facts.uid == 0
    env = facts.env
    assert env["CNB_PLATFORM_API"] == "0.12"
    assert env["CNB_APP_DIR"] == "/workspace"
    assert env["CNB_LAYERS_DIR"] == "/layers"
    assert env["CNB_PLATFORM_DIR"] == "/platform"
    assert "CNB_EXPERIMENTAL_MODE" not in env
    assert facts.status("special") == 0, facts.text("special")

    assert facts.status("writes") == 0, facts.text("writes")
    after = facts.paths("after")
    assert {b"created.txt", b"node_modules/own.js", b".git", b"src/renamed.c", b"soft"} <= after
    assert b"src/main.c" not in after


def test_parents_of_masks_look_like_the_source(engine, hooks, ask, source):
    """The mask layer's directories show mode, owner and time of the originals."""
    probe = Probe().stat(PARENTS)
    facts = started(engine.run(ask(probe.script()), hooks))
    shown = facts.stat(PARENTS)
    for path in PARENTS:
        info = os.stat(os.path.join(os.fsencode(source), path))
        mode, uid, gid, mtime = shown[path]
        assert mode == info.st_mode & 0o7777, path
        assert (uid, gid) == (0, 0), path  # the source is the caller's: container root
        assert mtime == tree.OLD, path


def test_source_stays_while_the_container_runs(engine, hooks, ask, source):
    """Not only afterwards: what is written at once stands in the upper."""
    before = tree.fingerprint(source)
    probe = Probe().add("writes", WRITES)
    started(engine.run(ask(probe.script()), hooks))
    assert tree.difference(before, tree.fingerprint(source)) == []


def test_not_opted_in_is_untouched(engine, make_hooks, ask):
    """Without a role nothing happens, even when the hooks are run."""
    always = make_hooks("precreate", "createRuntime", "poststop", when={"always": True})
    probe = Probe().basics().tree()
    facts = started(engine.run(ask(probe.script(), annotations={}), always))
    assert facts.mount("/workspace").type not in ("overlay", "tmpfs")
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert facts.cwd == "/"
    assert not [name for name in facts.env if name.startswith("CNB_")]


def test_annotations_of_others_are_no_opting_in(engine, make_hooks, ask):
    always = make_hooks("precreate", "createRuntime", "poststop", when={"always": True})
    probe = Probe().add("mounts", "cat /proc/self/mountinfo")
    annotations = {"io.cnb.hook.role": "dev", "org.example.role": "dev"}
    facts = started(engine.run(ask(probe.script(), annotations=annotations), always))
    assert facts.mount("/workspace").type != "overlay"


def test_values_of_user_and_image_stay(engine, hooks, ask):
    env = {"CNB_PLATFORM_API": "0.9", "CNB_APP_DIR": "/workspace", "OTHER": "a=b c"}
    facts = started(engine.run(ask(Probe().basics().script(), env=env), hooks))
    assert facts.env["CNB_PLATFORM_API"] == "0.9"
    assert facts.env["OTHER"] == "a=b c"


def test_cwd_keep(engine, hooks, ask):
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.cwd": "keep"}
    facts = started(engine.run(ask(Probe().basics().script(), annotations=annotations), hooks))
    assert facts.cwd == "/"
    overlay_at(facts)


def test_workspace_path(engine, hooks, ask, source):
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.workspace-path": "/srv/app"}
    probe = Probe().basics().tree(root="/srv/app")
    request = ask(
        probe.script(), annotations=annotations, source=None, mounts=(Mount(source, "/srv/app"),)
    )
    facts = started(engine.run(request, hooks))
    overlay_at(facts, "/srv/app")
    assert facts.cwd == "/srv/app"
    assert facts.env["CNB_APP_DIR"] == "/srv/app"
    assert facts.paths() == tree.visible_paths()


def test_ignore_file_annotation(engine, hooks, ask, make_source):
    """Another file, relative to the source, instead of the discovered one."""
    paths = sorted(tree.VISIBLE)

    def fill(path):
        tree.make(path)
        with open(os.path.join(path, "src/other.ignore"), "w", encoding="utf-8") as file:
            file.write("src/deep\n")

    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.ignore-file": "src/other.ignore"}
    request = ask(
        Probe().lookup(paths).script(), annotations=annotations, source=make_source(fill=fill)
    )
    found = started(engine.run(request, hooks)).found(paths)
    assert found == {path for path in paths if not path.startswith(b"src/deep")}


@pytest.mark.parametrize("how", ["annotation", "mount"])
def test_readonly_source(engine, hooks, ask, how):
    """workspace=readonly and `-v SRC:/workspace:ro`: filtered, and nothing can be written."""
    probe = Probe().basics().tree()
    probe.add("write", "echo x > /workspace/new || echo x >> /workspace/README.md")
    annotations = {"io.cnb.hooks.role": "dev"}
    if how == "annotation":
        annotations["io.cnb.hooks.workspace"] = "readonly"
    request = ask(probe.script(), annotations=annotations, source_readonly=how == "mount")
    facts = started(engine.run(request, hooks))
    mount = overlay_at(facts)
    assert "ro" in mount.options
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") != 0


def test_workspace_live(engine, hooks, ask, source):
    """workspace=live is the engine's own mount, unfiltered and with effect on the source."""
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.workspace": "live"}
    probe = Probe().basics().tree().add("write", "echo live > /workspace/live.txt")
    facts = started(engine.run(ask(probe.script(), annotations=annotations), hooks))
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert facts.cwd == "/workspace"
    written = os.path.join(source, "live.txt")
    with open(written, encoding="utf-8") as file:
        assert file.read() == "live\n"
    os.unlink(written)
    tree.settle(source)


def test_default_policy(engine, hooks, ask, make_source):
    """No ignore file at all: .git, node_modules, target and .locald of the root are masked."""

    def fill(path):
        for name in (".git/x", "node_modules/x", "target/x", ".locald/x", "sub/node_modules/x", "a"):
            os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
            with open(os.path.join(path, name), "w", encoding="utf-8") as file:
                file.write(name)

    source = make_source(fill=fill)
    probe = Probe().tree()
    facts = started(engine.run(ask(probe.script(), source=source), hooks))
    assert facts.paths() == {b"a", b"sub", b"sub/node_modules", b"sub/node_modules/x"}


def test_empty_source(engine, hooks, ask, make_source):
    source = make_source(fill=lambda path: None)
    probe = Probe().basics().tree().add("write", "echo x > /workspace/x && cat /workspace/x")
    facts = started(engine.run(ask(probe.script(), source=source), hooks))
    overlay_at(facts)
    assert facts.paths() == set()
    assert facts.text("write") == "x"


def test_readonly_rootfs(engine, hooks, ask):
    """--read-only (the engine makes mount points first): the workspace is writable all the same."""
    probe = Probe().basics().add("write", "echo x > /workspace/x").add("root", "echo x > /x")
    request = ask(probe.script(), rootfs_readonly=True, image="builder")
    facts = started(engine.run(request, hooks))
    overlay_at(facts)
    assert facts.status("write") == 0
    assert facts.status("root") != 0


def test_readonly_rootfs_without_mount_points(podman, hooks, ask):
    """The same on an image that has none of /workspace, /layers, /platform."""
    probe = Probe().basics().add("layers", "touch /layers/x; ls -d /platform")
    facts = started(podman.run(ask(probe.script(), rootfs_readonly=True), hooks))
    overlay_at(facts)
    assert facts.status("layers") == 0


def test_mounts_below_the_workspace_stay_on_top(engine, hooks, ask, room, make_source):
    """A volume at a masked directory, one at a visible one, a single file, and one that is ro."""
    extra = make_source(fill=lambda path: open(os.path.join(path, "from-volume"), "w").close())
    file = os.path.join(extra, "from-volume")
    mounts = (
        Mount(extra, "/workspace/node_modules", readonly=False),
        Mount(extra, "/workspace/src/deep", readonly=True),
        Mount(file, "/workspace/README.md", readonly=True),
        Mount(extra, "/workspace/packages/app/node_modules", readonly=True),
    )
    probe = Probe().basics()
    probe.add("masked", "ls /workspace/node_modules /workspace/packages/app/node_modules")
    probe.add("visible", "ls /workspace/src/deep; ls /workspace/src; wc -c < /workspace/README.md")
    probe.add("ro-dir", "touch /workspace/src/deep/x")
    probe.add("ro-file", "echo x > /workspace/README.md")
    probe.add("rw", "echo x > /workspace/node_modules/x && rm /workspace/node_modules/x")
    probe.add("own", "echo x > /workspace/src/own")
    facts = started(engine.run(ask(probe.script(), mounts=mounts), hooks))
    overlay_at(facts)
    for mount in mounts:
        found = facts.mount(mount.target)
        assert found is not None, f"{mount.target} lost its mount: {facts.mounts()}"
        assert ("ro" in found.options) == mount.readonly
    assert facts.text("masked").count("from-volume") == 2
    assert "from-volume" in facts.text("visible") and "main.c" in facts.text("visible")
    assert facts.lines("visible")[-1].strip() == "0"
    assert facts.status("ro-dir") != 0
    assert facts.status("ro-file") != 0
    assert facts.status("rw") == 0
    assert facts.status("own") == 0
    tree.settle(extra)
