"""Who the process is, whose the files are, and when that can't be made to work."""

import os
import shutil
import tempfile
import uuid

import pytest

from kit import source as tree
from kit import traces
from kit.checks import overlay_at, refused, started
from kit.engine import must
from kit.probe import Probe, wait_for

WRITE = "cd /workspace && echo x > created && echo x >> README.md && rm src/main.c && mkdir target"
SHOWN = [b".", b"README.md", b"packages/app"]


def probe():
    return Probe().basics().stat(SHOWN).add("writes", WRITE).stat([b"created"], "created")


def check(facts, uid, shown=None):
    """The process is uid, sees the source as shown (default: its own), and can write."""
    overlay_at(facts)
    assert facts.uid == uid
    shown = uid if shown is None else shown
    assert {path: row[1] for path, row in facts.stat(SHOWN).items()} == dict.fromkeys(SHOWN, shown)
    assert facts.status("writes") == 0, facts.text("writes")
    assert facts.stat([b"created"], "created")[b"created"][1] == uid


@pytest.mark.rootless
def test_rootless_default(podman, hooks, ask):
    check(started(podman.run(ask(probe().script()), hooks)), 0)


@pytest.mark.rootless
def test_rootless_keep_id(podman, hooks, ask):
    request = ask(probe().script(), options=("--userns=keep-id",))
    check(started(podman.run(request, hooks)), os.geteuid())


@pytest.mark.rootless
@pytest.mark.podman_since((4, 3))
def test_rootless_keep_id_of_the_image_user(podman, hooks, ask):
    options = ("--userns=keep-id:uid=1001,gid=1001",)
    request = ask(probe().script(), image="user1001", options=options)
    check(started(podman.run(request, hooks)), 1001)


@pytest.mark.rootless
def test_rootless_image_user_in_the_default_map_is_refused(podman, hooks, ask):
    """1001 is a subordinate id: it can't write the user's files, and nothing may be chowned."""
    result = podman.run(ask(probe().script(), image="user1001"), hooks)
    refused(result, "ids", "--userns=keep-id:uid=1001,gid=1001")


@pytest.mark.rootless
def test_rootless_user_option_in_the_default_map_is_refused(podman, hooks, ask):
    refused(podman.run(ask(probe().script(), user="1234:1234"), hooks), "ids", "uid=1234")


@pytest.mark.rootless
def test_rootless_uidmap_without_the_owner_is_refused(podman, hooks, ask):
    options = ("--uidmap", "0:1:1000", "--gidmap", "0:1:1000")
    refused(podman.run(ask(probe().script(), options=options), hooks), "ids", "--userns")


@pytest.mark.rootless
def test_rootless_bundle_without_root_in_its_map_is_refused(engines, hooks, ask):
    """crun of a plain user runs the mount hook as the container's process."""

    def edit(config):
        for key, own in (("uidMappings", os.geteuid()), ("gidMappings", os.getegid())):
            config["linux"][key] = [{"containerID": 1001, "hostID": own, "size": 1}]

    request = ask(probe().script(), user="1001:1001")
    refused(engines["crun"].run(request, hooks, edit), "ids", "no uid 0", "keep-id")


@pytest.mark.rootful
def test_rootful_root(podman, hooks, ask):
    check(started(podman.run(ask(probe().script()), hooks)), 0)


@pytest.mark.rootful
def test_rootful_root_over_the_source_of_a_user(engine, hooks, ask, make_source):
    """Root writes whatever its owner; what it writes is root's in the scratch, not in the source."""
    facts = started(engine.run(ask(probe().script(), source=make_source(uid=1000)), hooks))
    overlay_at(facts)
    assert facts.status("writes") == 0


@pytest.mark.rootful
def test_rootful_image_user_over_the_source_of_another(podman, hooks, ask, make_source):
    """USER 1001 over a source of 1000: an idmapped lower shows it as 1001's."""
    request = ask(probe().script(), source=make_source(uid=1000), image="user1001")
    check(started(podman.run(request, hooks)), 1001)


@pytest.mark.rootful
def test_rootful_bare_user_over_the_source_of_another(bare, hooks, ask, make_source):
    request = ask(probe().script(), source=make_source(uid=1000), user="1001:1001")
    check(started(bare.run(request, hooks)), 1001)


@pytest.mark.rootful
@pytest.mark.parametrize(
    "options",
    [
        ("--userns=auto",),
        ("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"),
    ],
    ids=["auto", "uidmap"],
)
@pytest.mark.parametrize("owner", [0, 1000])
def test_rootful_user_namespace(podman, hooks, ask, make_source, options, owner):
    """Neither owner is in the map: the idmapped lower shows the source as the process's."""
    request = ask(probe().script(), source=make_source(uid=owner), options=options)
    check(started(podman.run(request, hooks)), 0)


@pytest.mark.rootful
def test_rootful_user_namespace_with_an_image_user(podman, hooks, ask, make_source):
    request = ask(
        probe().script(), source=make_source(uid=1000), image="user1001", options=("--userns=auto",)
    )
    check(started(podman.run(request, hooks)), 1001)


@pytest.mark.rootful
def test_rootful_source_that_cannot_be_idmapped_is_refused(podman, hooks, ask):
    """/usr of the lab is an overlay, which the kernel doesn't map."""
    source = tempfile.mkdtemp(prefix="source-", dir="/usr/local")
    try:
        tree.make(source, 1000, 1000)
        refused(podman.run(ask(probe().script(), source=source, image="user1001"), hooks), "ids")
        # Root can write there all the same.
        overlay_at(started(podman.run(ask(probe().script(), source=source), hooks)))
    finally:
        shutil.rmtree(source)


@pytest.mark.parametrize("options", [(), ("--userns=keep-id:uid=1001,gid=1001",)],
                         ids=["default", "keep-id"])
def test_what_is_written_belongs_to_the_owner_of_the_source(podman, hooks, ask, options, rootless):
    """On the host, in the scratch directory, while the container lives."""
    if options and not rootless:
        options = ()
    name = f"lab-{uuid.uuid4().hex[:8]}"
    image = "user1001" if options else "basic"
    request = ask("echo x > /workspace/created; exec sleep 1000", options=options, image=image)
    create = podman.create_options(request)
    must(podman.command(hooks, "run", "--rm", "--detach", "--name", name, *create))
    try:
        wait = Probe().add("wait", wait_for("[ -s /workspace/created ]"))
        started(podman.call(hooks, "exec", name, "sh", "-c", wait.script()))
        found = list((traces.state_directory() / "sessions").rglob("created"))
        assert len(found) == 1, found
        assert found[0].stat().st_uid == os.geteuid()
    finally:
        must(podman.command(hooks, "rm", "--force", "--time", "0", name))
