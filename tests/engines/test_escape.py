"""What a container with power does to the workspace, and what mounts do to the host."""

import pytest

from kit.checks import overlay_at, started
from kit.engine import Mount
from kit.probe import Probe

ADMIN = ("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined")
# Takes off what is mounted, as often as it goes, and tries to make writable what it finds below.
ATTACK = """
for round in 1 2 3 4; do
  mount -o remount,bind,rw /workspace; mount -o remount,rw /workspace
  echo attacked > /workspace/attacked-$round; echo attacked >> /workspace/README.md
  umount /workspace || umount -l /workspace || break
done
mount -o remount,bind,rw /workspace; mount -o remount,rw /workspace
echo attacked >> /workspace/README.md; echo attacked > /workspace/attacked
echo; cat /proc/self/mountinfo
"""


def with_admin(config):
    for name in config["process"]["capabilities"].values():
        name.append("CAP_SYS_ADMIN")


@pytest.mark.parametrize("readonly", [False, True], ids=["rw", "ro"])
def test_admin_finds_nothing_writable_below(engine, hooks, ask, readonly):
    """The source fixture compares every byte afterwards."""
    probe = Probe().basics().add("attack", ATTACK).add("below", "cat /workspace/attacked || true")
    if engine.kind == "bare":
        result = engine.run(ask(probe.script(), source_readonly=readonly), hooks, edit=with_admin)
    else:
        result = engine.run(ask(probe.script(), source_readonly=readonly, options=ADMIN), hooks)
    facts = started(result)
    overlay_at(facts)


@pytest.mark.parametrize("propagation", ["rshared", "rslave"])
def test_propagation_of_the_root_filesystem(bare, hooks, ask, propagation):
    """The overlay never appears on the host; nothing_left compares mountinfo."""

    def edit(config):
        config["linux"]["rootfsPropagation"] = propagation
        # runc can't mount cgroups of version 1 for a user whose root file system is shared.
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]

    facts = started(bare.run(ask(Probe().basics().script()), hooks, edit=edit))
    overlay_at(facts)


@pytest.mark.parametrize("propagation", ["rshared", "rslave"])
def test_propagation_of_the_source_mount(podman, hooks, ask, source, propagation):
    """-v SRC:/workspace:rshared would send our mount to the host if it stood below the bind."""
    volume = ("--volume", f"{source}:/workspace:{propagation}")
    request = ask(Probe().basics().tree().script(), source=None, options=volume)
    overlay_at(started(podman.run(request, hooks)))


def test_source_through_a_mount_inside_another(engine, hooks, ask, source):
    """The same source mounted a second time elsewhere stays the user's own decision."""
    probe = Probe().basics().add("other", "ls /other/.git/HEAD")
    facts = started(engine.run(ask(probe.script(), mounts=(Mount(source, "/other", True),)), hooks))
    overlay_at(facts)
    assert facts.status("other") == 0


def test_image_cannot_steer_the_hooks(podman, hooks, ask):
    """LD_PRELOAD of an image (CVE-2025-23266) reaches no host program."""
    probe = Probe().basics()
    facts = started(podman.run(ask(probe.script(), image="hostile"), hooks))
    assert facts.env["LD_PRELOAD"] == "/evil.so"
    overlay_at(facts)


def test_inner_paths_tell_nothing_about_the_source(engine, hooks, ask, source):
    """mountinfo inside names no directory of the user."""
    facts = started(engine.run(ask(Probe().basics().script()), hooks))
    mount = overlay_at(facts)
    assert source not in " ".join(mount.super_options)
