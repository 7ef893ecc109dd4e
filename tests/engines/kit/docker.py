"""A Docker Engine of the test's own: data, state, socket and configuration in one directory."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from kit import rootfs
from kit.engine import execute, must

BOOT = 90  # seconds
PROGRAM = "/usr/bin/docker"  # Debian's, whatever else PATH has


def opted_in_by_variables(annotations):
    """The variables of the environment that stand for annotations."""
    return {
        "OCI_CNB_" + key.removeprefix("io.cnb.hooks.").upper().replace("-", "_"): value
        for key, value in annotations.items()
    }


class Docker:
    """dockerd without a network, with our runtime beside its own."""

    kind = "docker"

    def __init__(self, directory, runtimes, log, config=None):
        self.directory = pathlib.Path(directory)
        self.config = pathlib.Path(config or self.directory / "daemon.json")
        self.directory.mkdir(parents=True)
        self._socket = self.directory / "docker.sock"
        self._runtimes = runtimes
        self._log = log
        self._process = None
        self._images = set()

    def command(self, *words):
        return [PROGRAM, "--host", f"unix://{self._socket}", *words]

    def configure(self):
        """Writes its configuration: start() does so where there is none yet."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps({"runtimes": {
            name: {"path": str(path)} for name, path in self._runtimes.items()}}, indent=4))
        return self

    def start(self):
        if not self.config.exists():
            self.configure()
        words = ["dockerd", "--config-file", self.config, "--iptables=false", "--ip6tables=false",
                 "--bridge=none", "--data-root", self.directory / "data",
                 "--exec-root", self.directory / "exec", "--pidfile", self.directory / "pid",
                 "--exec-opt", "native.cgroupdriver=cgroupfs", "--host", f"unix://{self._socket}"]
        with open(self.directory / "log", "wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL)
        end = time.monotonic() + BOOT
        while execute(self.command("version")).status != 0:
            log = (self.directory / "log").read_text(errors="replace")[-4000:]
            assert self._process.poll() is None and time.monotonic() < end, log
            time.sleep(0.05)  # between two looks at whether it answers
        return self

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        self._process.wait(timeout=60)

    def version(self):
        told = must(self.command("version", "--format", "{{.Server.Version}}")).stdout.decode()
        return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", told).groups())

    def has_annotations(self):
        """docker run --annotation came with Docker 24."""
        return self.version() >= (24, 0)

    def image(self, variant):
        if variant not in self._images:
            changes = [word.replace("ENV=", "ENV ", 1).replace("USER=", "USER ", 1)
                       .replace("WORKDIR=", "WORKDIR ", 1).replace("LABEL=", "LABEL ", 1)
                       for word in rootfs.changes(variant)]
            must(self.command("import", *changes, "-", f"{variant}:latest"),
                 stdin=rootfs.tarball(variant))
            self._images.add(variant)
        return f"{variant}:latest"

    def options(self, request, runtime, by):
        """by: "annotation" or "environment", the way in which the request's annotations go."""
        words = ["--network", "none", "--runtime", runtime]
        env = dict(request.env)
        if by == "environment":
            env |= opted_in_by_variables(request.annotations)
        else:
            words += [part for key, value in request.annotations.items()
                      for part in ("--annotation", f"{key}={value}")]
        words += [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
        for mount in request.all_mounts():
            words += ["--volume", mount.volume()]
        if request.user:
            words += ["--user", request.user]
        return [*words, *request.options, self.image(request.image), *request.argv()]

    def call(self, *words):
        position = self._log.position()
        result = execute(self.command(*words), env={**os.environ, "HOME": str(self.directory)})
        result.log = self._log.since(position)
        return result

    def run(self, request, by, runtime="cnb"):
        return self.call("run", "--rm", *self.options(request, runtime, by))
