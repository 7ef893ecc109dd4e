"""`oci-cnb spec validate` on what podman, runc and crun write: no rule cries wolf."""

import json
import os

import pytest

from kit.engine import must
from kit.podman import Podman
from kit.validate import sound

ANYBODY = {
    "plain": (),
    "privileged": ("--privileged",),
    "read-only": ("--read-only",),
    "terminal": ("--tty",),
    "another user": ("--user", "1001:1001"),
    "host's namespaces": ("--network=host", "--pid=host", "--uts=host"),
    "own /tmp and /dev/shm": ("--tmpfs=/tmp:rw,size=8m,mode=1777", "--shm-size=8m"),
    "volumes above and below": ("--volume=/usr:/workspace/docs:ro", "--tmpfs=/layers"),
    "host's /dev": ("--volume=/dev:/dev",),
    "variables": ("--env=CNB_PLATFORM_API=0.9", "--env=CNB_USER_ID=1001"),
}
ROOTFUL = {
    "userns=auto": ("--userns=auto",),
    "uidmap": ("--uidmap=0:100000:65536", "--gidmap=0:100000:65536"),
    "userns=host": ("--userns=host",),
    "host's ipc": ("--ipc=host",),
}
ROOTLESS = {
    "keep-id": ("--userns=keep-id",),
    "keep-id of an image's user": ("--userns=keep-id:uid=1001,gid=1001",),
    "keep-id, host's network": ("--userns=keep-id", "--network=host"),
    "nomap": ("--userns=nomap",),
    "uidmap": ("--uidmap=0:0:1000", "--gidmap=0:0:1000"),
    "privileged, host's network": ("--privileged", "--network=host"),
}


def by_name(variants):
    return pytest.mark.parametrize("options", variants.values(), ids=variants.keys())


def podmans_document(engines, source, options):
    """config.json of a container that runs."""
    podman = engines["podman-crun"]
    network = () if any("--network" in word for word in options) else ("--network=none",)
    made = must(podman.command(None, "run", "--detach", *network, "--volume", f"{source}:/workspace",
                               *options, Podman.image("basic"), "sleep", "1000"))
    container = made.stdout.decode().strip()
    try:
        where = must(podman.command(None, "inspect", "--format", "{{.OCIConfigPath}}", container))
        # Of a container with another map even its owner reads it in his user namespace only.
        enter = ["podman", "unshare"] if os.geteuid() else []
        return must([*enter, "cat", where.stdout.decode().strip()]).stdout
    finally:
        must(podman.command(None, "rm", "--force", "--time", "0", container))


@by_name(ANYBODY)
def test_podman(engines, programs, source, options):
    sound(programs, podmans_document(engines, source, options))


@pytest.mark.rootful
@by_name(ROOTFUL)
def test_podman_rootful(engines, programs, source, options):
    sound(programs, podmans_document(engines, source, options))


@pytest.mark.rootless
@by_name(ROOTLESS)
def test_podman_rootless(engines, programs, source, options):
    sound(programs, podmans_document(engines, source, options))


@pytest.mark.parametrize("words, warnings", [
    (("runc", "spec"), ()), (("runc", "spec", "--rootless"), ()), (("crun", "spec"), ()),
    # No mappings: only crun can do without.
    (("crun", "spec", "--rootless"), ("id-mappings",)),
], ids=str)
def test_templates_of_runtimes(programs, tmp_path, words, warnings):
    """They have a read-only root and leave /tmp to the user, who is warned."""
    must(words, cwd=tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    document["mounts"].append({"destination": "/workspace", "type": "none", "source": "/src",
                               "options": ["rw", "rbind"]})
    sound(programs, json.dumps(document).encode(), warnings=("mount-tmp", *warnings))
