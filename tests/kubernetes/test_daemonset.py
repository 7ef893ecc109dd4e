"""The image, and the DaemonSet's containers as `kubectl kustomize` renders them, on a real containerd."""

import json
import pathlib
import time

import pytest

from kit import cri, oci_image, traces
from kit.checks import overlay_at
from kit.containerd import Containerd
from kit.engine import must
from kit.pod import DEV, Volume
from kit.probe import Probe
from conftest import CHECKOUT, CONFIG, IMAGES

pytestmark = pytest.mark.containerd_since((1, 7))
KUBERNETES = CHECKOUT / "packaging/kubernetes"
HOOKS = "hooks"
MARK = "# BEGIN oci-cnb-hooks"


def render(directory):
    """{name: container} of the DaemonSet, and its volumes by name."""
    text = must(["kubectl", "kustomize", KUBERNETES / directory]).stdout
    text = must(["kubectl", "annotate", "--local", "-f", "-", "a=b", "-o", "json"], stdin=text).stdout.decode()
    while text.strip():
        one, end = json.JSONDecoder().raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        if one["kind"] == "DaemonSet":
            pod = one["spec"]["template"]["spec"]
            containers = {it["name"]: it for it in [*pod["initContainers"], *pod["containers"]]}
            return containers, {it["name"]: it for it in pod["volumes"]}
    raise AssertionError("no DaemonSet")


def security(asked):
    """securityContext as a kubelet hands it on."""
    assert asked["runAsUser"] == 0 and not asked.get("privileged")
    message = cri.message(
        "ContainerSecurity",
        readonly_rootfs=asked["readOnlyRootFilesystem"],
        no_new_privs=not asked["allowPrivilegeEscalation"],
        capabilities=cri.message(
            "Capability",
            add_capabilities=asked["capabilities"].get("add", []),
            drop_capabilities=asked["capabilities"]["drop"],
        ),
    )
    message.run_as_user.value = 0
    return message


@pytest.fixture(scope="module")
def image(room, programs):
    """As README says, from the directory with the programs."""
    archive = room / "hooks.tar"
    name = oci_image.name(HOOKS)
    must(["buildah", "build", "--isolation", "chroot", "-f", KUBERNETES / "Containerfile", "-t", name,
          programs["oci-cnb"].parent])
    must(["buildah", "push", name, f"docker-archive:{archive}:{name}"])
    return archive


@pytest.fixture(scope="module")
def node(room, image):
    """containerd as an administrator has it, before anything of ours."""
    node = Containerd(room / "daemonset", config=CONFIG).configure().start()
    node.load(*IMAGES)
    must(["ctr", "--address", node.socket, "-n", "k8s.io", "images", "import", image])
    yield node
    node.sweep()
    node.stop()
    CONFIG.unlink()


@pytest.fixture
def run(node):
    """run(pod, DIRECTORY, CONTAINER): of a DaemonSet's, with the volumes that it mounts."""

    def start(pod, directory, name, attempt=0):
        containers, volumes = render(directory)
        asked = containers[name]
        # Where this containerd has what others have below /run.
        moved = {"nri": (node.directory, None), "sandboxes": (node.directory / "state",) * 2}
        mounts = []
        for mount in asked.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            own = node.directory / f"volume-{mount['name']}"
            source, target = moved.get(mount["name"], (volume.get("hostPath", {}).get("path", own), None))
            pathlib.Path(source).mkdir(parents=True, exist_ok=True)
            mounts.append(Volume(source, str(target or mount["mountPath"]), mount.get("readOnly", False)))
        return pod.start(
            "",
            name=name,
            attempt=attempt,
            image=HOOKS,
            volumes=mounts,
            command=asked.get("command", []),
            args=asked.get("args", []),
            security=security(asked["securityContext"]),
        )

    return start


def await_true(condition, describe):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, describe()
        time.sleep(0.1)  # between two looks at what another process does


def test_install_serve_uninstall(node, run, make_pod, source):
    """The whole life, with nothing but what the manifests ask for."""
    before = CONFIG.read_bytes()
    daemon = make_pod({}, "runc", host_pid=True)
    install = run(daemon, "overlays/containerd", "install")
    assert install.wait() == 0, install.output()
    assert MARK in CONFIG.read_text()
    installed = CONFIG.read_bytes()
    assert b"restart containerd" in install.output()
    again = run(daemon, "overlays/containerd", "install", attempt=1)
    assert again.wait() == 0 and b"restart" not in again.output()
    assert CONFIG.read_bytes() == installed
    node.stop()
    node.start()

    nri = run(daemon, "overlays/containerd", "nri")
    containers, _ = render("overlays/containerd")
    probe = containers["nri"]["readinessProbe"]["exec"]["command"]
    await_true(lambda: nri.exec(*probe)[0] == 0, nri.output)
    pod = make_pod(DEV, "cnb")
    script = Probe().basics().add("write", "mkdir -m 700 /workspace/d && touch /workspace/d/x").script()
    facts = pod.run(script, user=1001, volumes=[Volume(source, "/workspace")])
    overlay_at(facts)
    assert facts.status("write") == 0
    # What another user closed to all is collected with the capabilities that are asked for.
    pod.remove()
    await_true(lambda: traces.sessions() == [], nri.output)
    nri.stop(timeout=60)
    assert nri.wait() == 0, nri.output()

    uninstall = run(daemon, "uninstall", "uninstall")
    assert uninstall.wait() == 0, uninstall.output()
    assert CONFIG.read_bytes() == before
