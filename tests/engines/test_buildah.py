"""buildah: opted in through a runtime, and left alone otherwise."""

import shutil

import pytest

from kit import source as tree
from kit.buildah import HOOKS_DIRECTORY, Buildah
from kit.checks import overlay_at, refused, started
from kit.engine import Request, execute
from kit.podman import Podman
from kit.probe import Probe


@pytest.fixture(params=["crun", "runc"])
def buildah(request, room, log, programs, engines):
    return Buildah(request.param, log, room / "buildah", programs)


def test_run(buildah, hooks, ask):
    probe = Probe().basics().tree().add("write", "echo x > /workspace/x && rm /workspace/README.md")
    facts = started(buildah.run(ask(probe.script()), hooks))
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.cwd == "/workspace"
    assert facts.env["CNB_PLATFORM_API"] == "0.12"
    assert facts.status("write") == 0


def test_run_is_refused(buildah, hooks, ask):
    """The failure of a hook reaches buildah's exit code."""
    annotations = {"io.cnb.hooks.role": "build"}
    refused(buildah.run(ask(Probe().script(), annotations=annotations), hooks), "layout", "/cnb")


def test_run_without_opting_in(buildah, make_hooks, ask):
    hooks = make_hooks("createRuntime", "poststop")
    facts = started(buildah.run(ask(Probe().basics().tree().script(), annotations={}), hooks))
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()


@pytest.fixture
def default_directory(make_hooks):
    """Our hooks where buildah and podman look by themselves; no precreate among them."""
    hooks = make_hooks("createRuntime", "poststop", when={"always": True})
    HOOKS_DIRECTORY.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(hooks.directories[0], HOOKS_DIRECTORY)
    yield
    shutil.rmtree(HOOKS_DIRECTORY)


@pytest.mark.rootful
def test_run_with_hooks_in_the_default_directory(buildah, default_directory, ask):
    """Run by buildah itself, in a container that knows nothing of us."""
    facts = started(buildah.run(ask(Probe().basics().script(), annotations={}), None))
    assert facts.mount("/workspace").type != "overlay"


@pytest.mark.parametrize("program", ["buildah", "podman"])
def test_build(engines, make_hooks, source, room, program):
    """A RUN step with our hooks on every container: it isn't opted in, so nothing happens."""
    hooks = make_hooks("createRuntime", "poststop", when={"always": True})
    context = room / f"context-{program}"
    context.mkdir()
    try:
        name = Podman.image("basic")
        (context / "Containerfile").write_text(f"FROM {name}\nRUN ls -A /workspace; pwd\n")
        result = execute(
            [program, "build", "--network", "none", "--no-cache", *hooks.podman_options(),
             "--volume", f"{source}:/workspace", "--annotation", "io.cnb.hooks.role=dev",
             "--file", context / "Containerfile", context]
        )
        assert result.status == 0, str(result)
        shown = (result.stdout.decode() + result.stderr).splitlines()
        assert "node_modules" in shown
        assert "/" in shown
    finally:
        shutil.rmtree(context)


def test_request_defaults():
    """The harness: a request opts in unless told otherwise."""
    assert Request("true", None).annotations == {"io.cnb.hooks.role": "dev"}
