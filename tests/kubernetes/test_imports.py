"""A node whose configuration is in several files: our handler has to be where containerd reads it."""

import tomllib

import pytest

from conftest import CONFIG, configuration
from kit.checks import overlay_at
from kit.engine import must
from kit.probe import Probe

NODE = CONFIG.parent / "conf.d/10-node.toml"
DROP_IN = CONFIG.parent / "conf.d/50-oci-cnb-hooks.toml"


@pytest.fixture(scope="module", params=["node", "install"])
def node(request, room, serve):
    """All of the node's own settings, its handlers among them, are in a file that is imported."""
    directory = room / f"imports-{request.param}"
    if request.param == "node":
        yield from serve(directory, "--without-nri", "--based-on", "crun", imported=NODE)
    else:
        yield from serve(directory, "--without-nri", imported=NODE,
                         words=(("install", "containerd"), ("uninstall", "containerd")))


def cri_settings(version):
    """What containerd itself makes of its files."""
    dump = tomllib.loads(must(["containerd", "--config", CONFIG, "config", "dump"]).stdout.decode())
    name = "io.containerd.cri.v1.runtime" if version >= (2, 0) else "io.containerd.grpc.v1.cri"
    return dump["plugins"][name]


def test_a_pod_that_opted_in(make_pod, workspace):
    facts = make_pod().run(Probe().basics().script(), volumes=[workspace])
    overlay_at(facts)
    assert facts.env["CNB_APP_DIR"] == "/workspace"


def test_the_nodes_own_settings_count_as_before(node, request):
    """Each of them, next to the handler; that one stands on a runtime of the imported file."""
    settings = cri_settings(node.version)
    assert settings["restrict_oom_score_adj"] and settings["disable_apparmor"]
    runtimes = settings["containerd"]["runtimes"]
    assert set(runtimes) == {"runc", "crun", "cnb"}
    wanted = {"node": "crun", "install": "runc"}[request.node.callspec.params["node"]]
    assert runtimes["cnb"]["options"]["BinaryName"] == wanted
    assert runtimes["cnb"]["base_runtime_spec"] == "/opt/oci-cnb-hooks/current/base-spec.json"


def test_which_file_has_the_handler(node):
    """2.x merges: a file of its own. 1.x takes the last file's table: a block in that file."""
    files = configuration()
    ours = {path for path, text in files.items() if b"oci-cnb-hooks" in text}
    if node.version >= (2, 0):
        assert ours == {DROP_IN}
    else:
        assert ours == {NODE}
        assert files[NODE].endswith(b"# END oci-cnb-hooks\n")
