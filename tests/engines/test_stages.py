"""Which hooks are registered: one, both, twice, or too few."""

import pytest

from kit import source as tree
from kit.checks import overlay_at, refused, started
from kit.probe import Probe

COMPLETE = {"CNB_PLATFORM_API": "0.12"}


@pytest.mark.parametrize(
    "stages",
    [
        ("precreate", "prestart", "poststop"),
        ("precreate", "createRuntime", "poststop"),
        ("precreate", "createRuntime", "prestart", "poststop"),
    ],
    ids=["prestart", "createRuntime", "both"],
)
def test_mount_stage(engine, make_hooks, ask, rootless, stages):
    """Exactly one overlay, whichever stage makes it."""
    probe = Probe().basics().tree().add("write", "echo x > /workspace/x")
    result = engine.run(ask(probe.script()), make_hooks(*stages))
    if rootless and engine.name == "crun" and "prestart" in stages:
        # Its process is undumpable; only a hook inside the container reaches the namespaces.
        refused(result, "system", "createContainer", "oci-cnb spec apply")
        return
    facts = started(result)
    assert [m.type for m in facts.mounts() if m.target == "/workspace"].count("overlay") == 1
    assert facts.paths() == tree.visible_paths()
    assert facts.cwd == "/workspace"
    assert facts.status("write") == 0


def test_every_hook_twice(engine, make_hooks, ask):
    hooks = make_hooks("precreate", "createRuntime", "poststop", copies=2)
    facts = started(engine.run(ask(Probe().basics().tree().script()), hooks))
    overlay_at(facts)
    assert [m.type for m in facts.mounts() if m.target == "/workspace"].count("overlay") == 1
    assert facts.paths() == tree.visible_paths()
    names = [entry.partition(b"=")[0] for entry in facts["env"].split(b"\0")]
    assert len(names) == len(set(names)), names


def test_precreate_missing(engine, make_hooks, ask):
    """The mount hook can't change cwd any more: it refuses, and names what is missing."""
    result = engine.run(ask(Probe().script()), make_hooks("createRuntime", "poststop"))
    way = "precreate hook" if engine.kind == "podman" else "oci-cnb spec apply"
    refused(result, "environment", "/workspace", way)


def test_precreate_missing_but_everything_given(podman, make_hooks, ask):
    """Whoever sets cwd and environment by hand needs no precreate."""
    env = {
        "CNB_PLATFORM_API": "0.12",
        "CNB_APP_DIR": "/workspace",
        "CNB_LAYERS_DIR": "/layers",
        "CNB_PLATFORM_DIR": "/platform",
    }
    request = ask(
        Probe().basics().script(), env=env, options=("--workdir", "/workspace")
    )
    facts = started(podman.run(request, make_hooks("createRuntime", "poststop")))
    overlay_at(facts)
    assert facts.cwd == "/workspace"


def test_precreate_missing_under_warn(engine, make_hooks, ask):
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.enforce": "warn"}
    request = ask(Probe().basics().script(), annotations=annotations)
    result = engine.run(request, make_hooks("createRuntime", "poststop"))
    facts = started(result)
    overlay_at(facts)
    assert facts.cwd == "/"
    assert "oci-cnb-createruntime" in result.log and "cwd" in result.log


def test_poststop_without_create(engine, make_hooks, ask):
    """It finds nothing to give back, which is no failure."""
    result = engine.run(ask(Probe().basics().script()), make_hooks("precreate", "poststop"))
    facts = started(result)
    assert facts.mount("/workspace").type != "overlay"
    assert facts.cwd == "/workspace"
    assert result.log == ""


def test_poststop_missing(engine, make_hooks, hooks, ask):
    """The scratch that nobody gave back is collected by the next container's hook."""
    started(engine.run(ask(Probe().script()), make_hooks("precreate", "createRuntime")))
    started(engine.run(ask(Probe().script()), hooks))


def test_failed_create_leaves_nothing(engine, hooks, ask):
    """crun calls no poststop then: the mount hook undoes what it did. nothing_left looks."""
    request = ask("", command=("/no/such/program",))
    result = engine.run(request, hooks)
    assert result.status != 0
    started(engine.run(ask(Probe().script()), hooks))
