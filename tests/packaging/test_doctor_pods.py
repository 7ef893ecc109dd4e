"""What `oci-cnb doctor` says of runtime handlers, NRI and Docker's configuration, as our own installer
writes them and as they break."""

import pathlib
import shutil
import socket
import subprocess

import pytest
from kit.traces import settled
from machine import PROGRAMS, edit, findings, must

CURRENT = pathlib.Path("/opt/oci-cnb-hooks/current")
CONTAINERD = pathlib.Path("/etc/containerd/config.toml")
CRIO = pathlib.Path("/etc/crio/crio.conf.d")
DOCKER = pathlib.Path("/etc/docker/daemon.json")
RUNTIME = pathlib.Path("/usr/bin/oci-cnb-runtime")
NRI = pathlib.Path("/run/nri/nri.sock")  # /var/run is a link to /run
UNANNOTATED = f"""version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.cnb]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.cnb.options]
BinaryName = "{RUNTIME}"
"""


@pytest.fixture
def node(installed):
    """Files of engines as they may be, and none of ours."""
    places = (CONTAINERD, CRIO.parent, DOCKER.parent, CURRENT.parent, NRI.parent)
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True) if place.is_file() else None
    CONTAINERD.parent.mkdir(exist_ok=True)
    CONTAINERD.write_text("version = 2\n")
    yield
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
    CONTAINERD.unlink()


@pytest.fixture
def handler(node):
    """One that does without NRI."""
    must(["oci-cnb", "install", "containerd", "--without-nri"])


@pytest.fixture
def guarded(node):
    """One whose guard refuses what the plugin hasn't adjusted."""
    must(["oci-cnb", "install", "containerd"])


@pytest.fixture
def listener(guarded):
    """NRI's socket, at which somebody listens who never answers."""
    NRI.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(NRI))
        server.listen()
        NRI.chmod(0o600)
        yield server


def told(root):
    return root.run("oci-cnb", "doctor").stdout


def test_nothing_is_said_where_nothing_is_set_up(node, root):
    assert findings(root, 0) == []
    assert "handler" not in told(root).replace("runtime handler, after", "")


def test_a_handler_is_well(handler, root, user):
    assert findings(root, 0) == []
    names = f"{CURRENT}/oci-cnb-createruntime, {CURRENT}/oci-cnb-poststop"
    assert f'ok   runtime-handler: handler "cnb" calls {names}' in told(root)
    assert findings(user, 0) == [], "not a plain user's business"
    on_node = root.run(CURRENT / "oci-cnb", "doctor")
    assert on_node.status == 0, on_node
    assert f"ok   programs: {CURRENT.resolve()}/oci-cnb-guard" in on_node.stdout


HANDLER_BREAKS = {
    "base spec gone": (lambda: (CURRENT / "base-spec.json").unlink(), "base-spec.json"),
    "base spec broken": (lambda: (CURRENT / "base-spec.json").write_text("{"), "base-spec.json"),
    "base spec without us": (lambda: (CURRENT / "base-spec.json").write_text("{}"), "none of our hooks"),
    "hook gone": (lambda: (CURRENT / "oci-cnb-createruntime").unlink(), "oci-cnb-createruntime is missing"),
    "hook writable by others": (lambda: (CURRENT / "oci-cnb-poststop").chmod(0o757), "0757"),
    "all programs gone": (lambda: shutil.rmtree(CURRENT.parent), "base-spec.json"),
    "wrapper without annotations": (lambda: CONTAINERD.write_text(UNANNOTATED), "no pod_annotations"),
    "wrapper gone": (lambda: (CONTAINERD.write_text(UNANNOTATED), RUNTIME.unlink()),
                     "oci-cnb-runtime is missing"),
}


@pytest.mark.parametrize("name", HANDLER_BREAKS)
def test_a_broken_handler_is_found(handler, root, name):
    act, words = HANDLER_BREAKS[name]
    act()
    bad = findings(root, 1)
    assert any(words in one["what"] for one in bad), bad


def test_a_configuration_that_is_not_toml(handler, root):
    CONTAINERD.write_text("version = 2\n[plugins\n")
    assert f"{CONTAINERD}:2" in told(root)


def test_the_guard_needs_nri(guarded, root):
    (bad,) = findings(root, 1)
    assert bad["check"] == "nri" and "no NRI socket" in bad["what"], bad
    edit(CONTAINERD, "disable = false", "disable = true")
    (bad,) = findings(root, 1)
    assert bad["check"] == "nri" and "NRI is off" in bad["what"], bad


def test_the_guard_needs_the_plugin(listener, root, room):
    (bad,) = findings(root, 1)
    assert "oci-cnb-nri doesn't run" in bad["what"], bad
    words = [PROGRAMS / "oci-cnb-nri", f"--lock-file={room}/lock", f"--ready-file={room}/ready"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as plugin:
        try:
            listener.settimeout(60)
            connection, _ = listener.accept()
            (bad,) = findings(root, 1)
            assert "isn't connected to /var/run/nri/nri.sock" in bad["what"], bad
            connection.close()
        finally:
            plugin.kill()
    assert settled(lambda: findings(root, 1)[0]["what"], "oci-cnb-nri doesn't run") == (
        "oci-cnb-nri doesn't run")


def test_a_socket_for_everybody(listener, root):
    NRI.chmod(0o666)
    (bad,) = findings(root, 1)
    assert "is open to everybody" in bad["what"], bad


def test_crio(node, root):
    must(["oci-cnb", "install", "crio"])
    (bad,) = findings(root, 1)
    assert bad["check"] == "nri" and "no NRI socket" in bad["what"], bad
    assert "ok   runtime-handler: CRI-O reads /opt/oci-cnb-hooks/current/hooks.d" in told(root)
    later = CRIO / "99-other.conf"
    later.write_text('[crio.runtime]\nhooks_dir = ["/etc/hooks"]\n[crio.nri]\nenable_nri = false\n')
    handler, nri = findings(root, 1)
    assert "CRI-O doesn't read /opt" in handler["what"] and str(later) in handler["mend"], handler
    assert "NRI is off in CRI-O's configuration" in nri["what"], nri
    later.write_text("[crio\n")
    (bad,) = findings(root, 1)
    assert f"{later}:1" in bad["what"], bad
    later.unlink()
    shutil.rmtree(CURRENT / "hooks.d")
    assert "holds no file" in findings(root, 1)[0]["what"]


def test_docker(node, person, root):
    must(["oci-cnb", "install", "docker"])
    assert findings(person, 0) == []
    assert f'ok   docker: --runtime "cnb" is {RUNTIME}' in told(person)
    RUNTIME.unlink()
    bad = findings(person, 1)
    assert any(f"{RUNTIME} is missing" in one["what"] for one in bad), bad
    DOCKER.write_text("{")
    bad = findings(person, 1)
    assert any("daemon.json" in one["what"] for one in bad), bad
