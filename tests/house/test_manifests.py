"""What `kubectl apply -k` would send, as kubectl renders it; without a cluster."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import CHECKOUT

KUBERNETES = CHECKOUT / "packaging/kubernetes"
OVERLAYS = ["overlays/containerd", "overlays/containerd-1.6", "overlays/crio"]


def program():
    """This machine's kubectl, else that of the lab's Debian 13: Debian 12 has none."""
    if shutil.which("kubectl"):
        return ["kubectl"]
    if os.geteuid() != 0:
        pytest.skip("kubectl is not installed, and the lab needs root")
    return [str(CHECKOUT / "tests/lab/enter"), "trixie", "kubectl"]


def kubectl(*words, stdin=None):
    command = [*program(), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text):
    """YAML of manifests, as typed objects: kubectl knows their schema without a server."""
    output = kubectl("annotate", "--local", "-f", "-", "checked=yes", "-o", "json", stdin=text)
    decoder, found, position = json.JSONDecoder(), [], 0
    while position < len(output.rstrip()):
        one, position = decoder.raw_decode(output, position)
        found.append(one)
        position += len(output[position:]) - len(output[position:].lstrip())
    return found


def rendered(directory):
    return {one["kind"]: one for one in objects(kubectl("kustomize", KUBERNETES / directory))}


def containers(daemon_set):
    pod = daemon_set["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay(overlay):
    found = rendered(overlay)
    assert set(found) == {"Namespace", "DaemonSet", "RuntimeClass"}
    daemon_set = found["DaemonSet"]
    assert daemon_set["metadata"]["namespace"] == found["Namespace"]["metadata"]["name"]
    assert daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] == 0
    pod = daemon_set["spec"]["template"]["spec"]
    assert pod["priorityClassName"] == "system-node-critical"
    paths = [volume.get("hostPath", {}).get("path") for volume in pod["volumes"]]
    assert "/var/run/nri" in paths
    assert found["RuntimeClass"]["handler"] == "cnb"
    assert found["RuntimeClass"]["scheduling"]["nodeSelector"]


@pytest.mark.parametrize("directory", [*OVERLAYS, "uninstall"])
def test_containers_have_no_more_than_they_need(directory):
    daemon_set = rendered(directory)["DaemonSet"]
    volumes = {volume["name"] for volume in daemon_set["spec"]["template"]["spec"]["volumes"]}
    for container in containers(daemon_set):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
        assert security["capabilities"]["drop"] == ["ALL"]
        added = set(security["capabilities"].get("add", []))
        assert added <= {"DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER"}
        assert container["resources"]["limits"]["memory"]
        assert container["image"] == "oci-cnb-hooks:0.1.0"
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes


def test_each_engine_is_told_apart():
    commands = {
        overlay: containers(rendered(overlay)["DaemonSet"])[0]["command"][5:] for overlay in OVERLAYS
    }
    assert commands == {
        "overlays/containerd": [],
        "overlays/containerd-1.6": ["--without-nri"],
        "overlays/crio": ["--engine", "crio"],
    }


@pytest.mark.parametrize("example", ["dev-pod.yaml", "build-pod.yaml"])
def test_example(example):
    (pod,) = objects((KUBERNETES / "examples" / example).read_text())
    assert pod["metadata"]["annotations"]["io.cnb.hooks.role"] in ("dev", "build")
    assert pod["spec"]["runtimeClassName"] == "cnb"
    for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        assert container["workingDir"] == "/workspace"
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/workspace"]


def test_the_image_has_what_the_containers_call():
    copied = (KUBERNETES / "Containerfile").read_text()
    for directory in [*OVERLAYS, "uninstall"]:
        for container in containers(rendered(directory)["DaemonSet"]):
            program = container.get("command", ["/bin/oci-cnb-nri"])[0]
            assert f" {program.rpartition('/')[2]} " in copied
