"""The image that is built over the overlay is the one that is built over a filtered copy, to the bit."""

import builder
import pytest

from kit import rootfs
from kit import source as tree
from kit.checks import refused, started
from kit.probe import Probe

CNB = builder.CNB_UID


def is_of_the_filtered_source(image, uid, plain_digest):
    assert image.digest == plain_digest(uid, True)
    assert image.digest != plain_digest(uid, False)


def runs(build, image):
    """The application's container under role launch."""
    facts = launched(build, image)
    assert facts.cwd == "/workspace"
    assert "CNB_EXPERIMENTAL_MODE" not in facts.env
    assert facts.text("edited") == "/* edited */"
    paths = facts.paths()
    assert not paths & tree.masked_paths()
    assert {b"generated/deep/size", b"packages/app/moved.js", b"odd/inv\xff\xfealid"} <= paths
    assert not [path for path in paths if path.startswith(b"src/deep")]


def launched(build, image):
    """What a probe finds that the image's own process starts."""
    probe = Probe().basics().tree().add("edited", "tail -n 1 /workspace/src/main.c")
    command, env = ("sh", "-c", probe.script()), {}
    if build.engine.kind == "bare":
        command = (*image.config["Entrypoint"], *command)
        env = {name: value for name, value in image.env().items() if name != "PATH"}
    name = rootfs.adopt(f"app-{image.digest[-12:]}", image)
    result = build.container("launch", name, command, env)
    assert b"the application runs" in result.stdout, str(result)
    return started(result)


# A plain user's crun maps him to root and nobody else.
@pytest.mark.parametrize(
    ("engine", "uid", "owner"),
    [
        ("podman", 0, 0),
        ("podman", CNB, 1000),
        ("crun", 0, 0),
        pytest.param("crun", CNB, 1000, marks=pytest.mark.rootful),
    ],
)
def test_creator(build, plain_digest, engine, uid, owner):
    one = build(engine, uid, owner)
    image = one.creator()
    is_of_the_filtered_source(image, uid, plain_digest)
    runs(one, image)


@pytest.mark.parametrize("engine", ["podman", pytest.param("crun", marks=pytest.mark.rootful)])
def test_five_phases_in_five_containers(build, plain_digest, session, engine):
    """Detector and builder don't run as root: there is no such build for uid 0."""
    one = build(engine, CNB, 1000)
    image = one.phases(session)
    is_of_the_filtered_source(image, CNB, plain_digest)
    runs(one, image)


@pytest.mark.parametrize("phase", ["analyzer", "detector", "restorer", "builder", "exporter"])
@pytest.mark.parametrize("engine", ["podman", "crun"])
def test_a_phase_without_a_session_is_refused(build, engine, phase):
    result = build(engine, 0, 0).run("build", phase)
    refused(result, "session", "the lifecycle's " + phase)
    assert result.stdout == b""


def test_without_the_hooks_the_platform_api_is_missing(build):
    """What the hooks save their user from: exit 11, by which the builds above would have ended."""
    plain = build("podman", 0, 0)
    plain.hooks = None
    assert plain.run("build", "creator", "localhost/app", env={}).status == 11
