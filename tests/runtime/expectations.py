"""What a container that opted in must look like, whatever engine started it."""

from kit import source as tree
from kit.checks import overlay_at
from kit.probe import Probe

WRITES = "echo x > /workspace/out && rm /workspace/README.md && mkdir /workspace/node_modules"


def look():
    return Probe().basics().tree()


def probe():
    """For an overlay only: it writes."""
    return look().add("writes", WRITES)


def prepared(facts):
    """The whole guarantee of role=dev, from inside."""
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.status("writes") == 0, facts.text("writes")
    has_environment(facts)


def has_environment(facts):
    assert facts.cwd == "/workspace"
    env = facts.env
    assert env["CNB_PLATFORM_API"] == "0.12"
    assert env["CNB_APP_DIR"] == "/workspace"
    assert env["CNB_LAYERS_DIR"] == "/layers"
    assert env["CNB_PLATFORM_DIR"] == "/platform"
    assert not [name for name in env if name.startswith("OCI_CNB_")]


def untouched(facts):
    """A container that didn't opt in."""
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert not [name for name in facts.env if name.startswith("CNB_")]
    assert facts.cwd == "/"
