"""dev, build, detect, launch: layout, environment and what each demands of the image."""

import pytest

from kit import source as tree
from kit.checks import overlay_at, refused, started
from kit.engine import Mount
from kit.probe import Probe


def role(name, **more):
    return {"io.cnb.hooks.role": name, **{f"io.cnb.hooks.{key}": more[key] for key in more}}


def probe():
    probe = Probe().basics().tree()
    probe.add("write", "echo x > /workspace/new")
    probe.add("layers", "echo x > /layers/x && cat /layers/x")
    probe.add("cnb", "ls /cnb/lifecycle; echo x > /cnb/x")
    probe.add("platform", "ls /platform /platform/env")
    return probe


def test_build(engine, hooks, ask):
    request = ask(probe().script(), annotations=role("build"), image="builder")
    facts = started(engine.run(request, hooks))
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") == 0
    assert facts.status("layers") == 0
    assert "builder" in facts.text("cnb")
    assert "FROM_IMAGE" in facts.text("platform")
    assert facts.cwd == "/workspace"
    assert facts.env["CNB_EXPERIMENTAL_MODE"] == "warn"
    assert facts.env["CNB_PLATFORM_API"] == "0.12"


def test_detect(engine, hooks, ask):
    request = ask(probe().script(), annotations=role("detect"), image="builder")
    facts = started(engine.run(request, hooks))
    assert "ro" in overlay_at(facts).options
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") != 0
    assert facts.status("layers") == 0
    assert facts.env["CNB_EXPERIMENTAL_MODE"] == "warn"


def test_launch(engine, hooks, ask, source):
    """Nothing is masked, only the environment is prepared."""
    script = Probe().basics().tree().script()
    request = ask(script, annotations=role("launch"), image="builder", source_readonly=True)
    facts = started(engine.run(request, hooks))
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert facts.cwd == "/workspace"
    assert facts.env["CNB_PLATFORM_API"] == "0.12"
    assert not {"CNB_EXPERIMENTAL_MODE", "CNB_APP_DIR", "CNB_LAYERS_DIR"} & set(facts.env)


def test_launch_without_a_source(engine, hooks, ask):
    """The application is in the image."""
    request = ask(
        Probe().basics().script(), annotations=role("launch"), image="builder", source=None
    )
    assert started(engine.run(request, hooks)).cwd == "/workspace"


@pytest.mark.parametrize("name", ["dev", "build", "detect"])
def test_a_source_is_demanded(engine, hooks, ask, name):
    request = ask(Probe().script(), annotations=role(name), image="builder", source=None)
    refused(engine.run(request, hooks), "source", "/workspace")


@pytest.mark.parametrize("name", ["build", "detect"])
def test_a_lifecycle_is_demanded(engine, hooks, ask, name):
    result = engine.run(ask(Probe().script(), annotations=role(name)), hooks)
    refused(result, "layout", "/cnb")


def test_engine_mounts_of_the_layout_stay(engine, hooks, ask, make_source):
    """A volume at /layers or /platform is the user's: it is used, not covered."""
    layers = make_source(fill=lambda path: None)
    platform = make_source(fill=lambda path: open(f"{path}/mine", "w").close())
    mounts = (Mount(layers, "/layers"), Mount(platform, "/platform", True))
    check = Probe().basics().add("platform", "ls /platform")
    check.add("layers", "echo kept > /layers/kept")
    facts = started(engine.run(ask(check.script(), mounts=mounts), hooks))
    assert facts.text("platform") == "mine"
    with open(f"{layers}/kept", encoding="utf-8") as file:
        assert file.read() == "kept\n"
    import os

    os.unlink(f"{layers}/kept")
    tree.settle(layers)


COMPLETE = {
    "CNB_PLATFORM_API": "0.12",
    "CNB_EXPERIMENTAL_MODE": "warn",
    "CNB_APP_DIR": "/workspace",
    "CNB_LAYERS_DIR": "/layers",
    "CNB_PLATFORM_DIR": "/platform",
}
REGISTRY = {"CNB_REGISTRY_AUTH": '{"registry.example": "Basic c2VjcmV0"}'}


@pytest.mark.parametrize(
    ("name", "command"),
    [("build", "/cnb/lifecycle/builder"), ("detect", "/cnb/lifecycle/creator")],
)
def test_registry_auth_is_refused(engine, hooks, ask, name, command):
    request = ask(
        "", annotations=role(name), image="builder", env=REGISTRY, command=(command,)
    )
    line = refused(engine.run(request, hooks), "environment", "CNB_REGISTRY_AUTH")
    assert "c2VjcmV0" not in line


def test_registry_auth_is_the_creators(engine, hooks, ask):
    request = ask(
        "",
        annotations=role("build"),
        image="builder",
        env=REGISTRY,
        command=("/cnb/lifecycle/creator",),
    )
    result = engine.run(request, hooks)
    assert (result.status, result.stdout) == (0, b"creator-ran\n"), str(result)


def phase(program, name="build", **more):
    return {"annotations": role(name, **more), "image": "builder", "command": (program,)}


@pytest.mark.parametrize(
    ("name", "program"),
    [("build", "/cnb/lifecycle/builder"), ("detect", "/cnb/lifecycle/detector")],
)
def test_a_phase_without_a_session_is_refused(engine, hooks, ask, name, program):
    """Every phase would end well, and the image would lack what the builder wrote."""
    line = refused(engine.run(ask("", **phase(program, name)), hooks), "session", "phase")
    assert "--annotation io.cnb.hooks.session=NAME" in line


def test_the_mount_hook_refuses_such_a_phase_by_itself(engine, make_hooks, ask):
    """Where no door looked at config.json."""
    request = ask("", **phase("/cnb/lifecycle/builder", cwd="keep"), env=COMPLETE)
    hooks = make_hooks("createRuntime", "poststop")
    refused(engine.run(request, hooks), "session", "build-session", "session=NAME")


def test_such_a_phase_is_warned_about_where_asked(engine, hooks, ask):
    request = ask("", **phase("/cnb/lifecycle/builder", enforce="warn"))
    result = engine.run(request, hooks)
    assert (result.status, result.stdout) == (0, b"builder-ran\n"), str(result)
    assert "warning build-session" in result.log, str(result)


@pytest.mark.parametrize(
    ("env", "fragment"),
    [
        ({"CNB_PLATFORM_API": "twelve"}, "CNB_PLATFORM_API"),
        ({"CNB_EXPERIMENTAL_MODE": "loud"}, "CNB_EXPERIMENTAL_MODE"),
    ],
)
def test_bad_values_are_refused(engine, hooks, ask, env, fragment):
    request = ask(Probe().script(), annotations=role("build"), image="builder", env=env)
    refused(engine.run(request, hooks), "environment", fragment)


def test_annotations_set_the_environment(engine, hooks, ask):
    annotations = role("build", **{"platform-api": "0.13", "experimental-mode": "quiet"})
    request = ask(probe().script(), annotations=annotations, image="builder")
    facts = started(engine.run(request, hooks))
    assert facts.env["CNB_PLATFORM_API"] == "0.13"
    assert facts.env["CNB_EXPERIMENTAL_MODE"] == "quiet"
