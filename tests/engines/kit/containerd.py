"""A containerd of the test's own: root, state, socket and configuration in one directory."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from kit import cri, oci_image
from kit.engine import must

PAUSE = "pause"
# A pod with a network of its own (one with user namespaces must have it) asks CNI for an address.
# Nobody here sends anything: that there is one is enough.
CNI_CONFIG = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "none"}]}
CNI_PROGRAM = """#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion": "1.0.0",
 "interfaces": [{"name": "'"$CNI_IFNAME"'", "sandbox": "'"$CNI_NETNS"'"}],
 "ips": [{"address": "192.0.2.1/24", "interface": 0}]}'
"""
BOOT = 60  # seconds
ANNOTATIONS = ["io.cnb.hooks.*", "io.cnb.hooks.*/*"]


def version():
    """(1, 7) of the containerd that is installed."""
    told = must(["containerd", "--version"]).stdout.decode()
    return tuple(int(part) for part in re.search(r"\s(\d+)\.(\d+)\.\d+", told).groups())


def _toml(value):
    return json.dumps(value)  # strings, numbers, booleans and arrays are spelled alike


class Handler:
    """A runtime of the CRI: runc or crun, or both with a base spec."""

    def __init__(self, binary, base_spec=None, annotations=True, runtime_type="io.containerd.runc.v2"):
        self.binary = binary
        self.base_spec = base_spec
        self.annotations = annotations
        self.runtime_type = runtime_type

    def toml(self, table):
        lines = [f"[{table}]", f"runtime_type = {_toml(self.runtime_type)}"]
        if self.base_spec:
            lines.append(f"base_runtime_spec = {_toml(str(self.base_spec))}")
        if self.annotations:
            lines += [f"{scope}_annotations = {_toml(ANNOTATIONS)}" for scope in ("pod", "container")]
        lines += [f"[{table}.options]", f"BinaryName = {_toml(str(self.binary))}"]
        return lines


class Containerd:
    """start() and stop() may be called again and again: pods outlive it, as on a node."""

    def __init__(self, directory, handlers=None, config=None):
        self.directory = pathlib.Path(directory)
        self.version = version()
        self.socket = self.directory / "containerd.sock"
        self.nri_socket = self.directory / "nri.sock"
        self.log = self.directory / "containerd.log"
        self.handlers = handlers or {"runc": Handler("runc"), "crun": Handler("crun")}
        self.config = pathlib.Path(config or self.directory / "config.toml")
        self.client = None
        self._process = None
        for name in ("root", "state", "logs", "cni"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "cni/none.conflist").write_text(json.dumps(CNI_CONFIG))
        for name in ("none", "loopback"):
            program = self.directory / "cni" / name
            program.write_text(CNI_PROGRAM)
            program.chmod(0o755)

    # --- configuration ----------------------------------------------------------------------------

    def _configuration(self):
        second = self.version >= (2, 0)
        lines = [
            f"version = {3 if second else 2}",
            f"root = {_toml(str(self.directory / 'root'))}",
            f"state = {_toml(str(self.directory / 'state'))}",
            "[grpc]",
            f"address = {_toml(str(self.socket))}",
        ]
        cri_table = 'plugins."io.containerd.grpc.v1.cri"'
        if second:
            lines += [
                '[plugins."io.containerd.cri.v1.images".pinned_images]',
                f"sandbox = {_toml(oci_image.name(PAUSE))}",
            ]
            cri_table = 'plugins."io.containerd.cri.v1.runtime"'
        # Without CAP_SYS_RESOURCE a lower oom_score_adj is refused; the lab has no AppArmor.
        lines += [f"[{cri_table}]", "disable_apparmor = true", "restrict_oom_score_adj = true"]
        if not second:
            lines.append(f"sandbox_image = {_toml(oci_image.name(PAUSE))}")
        cni = self.directory / "cni"
        lines += [
            f"[{cri_table}.cni]",
            f"bin_dirs = {_toml([str(cni)])}" if second else f"bin_dir = {_toml(str(cni))}",
            f"conf_dir = {_toml(str(cni))}",
        ]
        for name, handler in self.handlers.items():
            lines += handler.toml(f"{cri_table}.containerd.runtimes.{name}")
        if self.version >= (1, 7):
            lines += [
                '[plugins."io.containerd.nri.v1.nri"]',
                "disable = false",
                f"socket_path = {_toml(str(self.nri_socket))}",
                f"plugin_path = {_toml(str(self.directory / 'nri-plugins'))}",
                f"plugin_config_path = {_toml(str(self.directory / 'nri-config'))}",
            ]
        return "\n".join(lines) + "\n"

    # --- life -------------------------------------------------------------------------------------

    def configure(self, imported=None):
        """Writes its configuration: start() does so where there is none yet. imported: the file
        that holds all of it, and of whose directory the configuration imports whatever is there."""
        text = self._configuration()
        if imported:
            imported.parent.mkdir(parents=True, exist_ok=True)
            imported.write_text(text)
            text = f"{text.splitlines()[0]}\nimports = [{_toml(f'{imported.parent}/*.toml')}]\n"
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)
        return self

    def start(self):
        if not self.config.exists():
            self.configure()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                ["containerd", "--config", self.config], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._connect()
        return self

    def _connect(self):
        end = time.monotonic() + BOOT
        while True:
            if self.client:
                self.client.close()
            self.client = cri.Client(self.socket)
            try:
                return self.client.Version()
            except cri.CALL_FAILED as error:
                assert self._process.poll() is None, self.tail()
                assert time.monotonic() < end, f"{error}\n{self.tail()}"
                time.sleep(0.05)  # between two looks at whether it listens

    def stop(self, how=signal.SIGTERM):
        self._process.send_signal(how)
        self._process.wait(timeout=BOOT)

    def kill(self):
        self.stop(signal.SIGKILL)

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # --- images -----------------------------------------------------------------------------------

    def import_images(self, archive):
        """To where the CRI has them."""
        must(["ctr", "--address", self.socket, "-n", "k8s.io", "images", "import", archive])

    def load(self, *variants):
        """Imports images and waits until the CRI has seen them."""
        for variant in variants:
            path = self.directory / f"{variant}.tar"
            entrypoint = None
            if variant == PAUSE:
                entrypoint = ["/bin/busybox", "sleep", "1000000000"]
            base = "basic" if variant == PAUSE else variant
            path.write_bytes(oci_image.archive(base, entrypoint, oci_image.name(variant)))
            self.import_images(path)
            path.unlink()
            self._await_image(variant)

    def _await_image(self, variant):
        end = time.monotonic() + BOOT
        image = cri.message("ImageSpec", image=oci_image.name(variant))
        while not self.client.ImageStatus(image=image).image.id:
            assert time.monotonic() < end, f"image {variant} isn't there\n{self.tail()}"
            time.sleep(0.02)  # between two looks at what the CRI has been told of

    # --- what is left -----------------------------------------------------------------------------

    def sweep(self):
        """Removes every pod, as a kubelet would."""
        for pod in self.client.ListPodSandbox().items:
            self.client.StopPodSandbox(pod_sandbox_id=pod.id)
            self.client.RemovePodSandbox(pod_sandbox_id=pod.id)

    def shims(self):
        """{pid: command line} of this containerd's shims."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            except OSError:
                continue
            if words and b"containerd-shim" in words[0] and os.fsencode(self.socket) in words:
                found[int(entry.name)] = b" ".join(words).decode()
        return found
