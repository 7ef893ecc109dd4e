"""oci-cnb-nri as its DaemonSet runs it."""

import os
import pathlib
import signal
import subprocess
import time

BOOT = 60  # seconds


class Plugin:
    """start() and stop() may be called again and again."""

    def __init__(self, program, node, *options):
        self._program = program
        self._options = options
        self._directory = pathlib.Path(node.directory) / "plugin"
        self._directory.mkdir()
        self._ready = self._directory / "ready"
        self._socket = node.nri_socket
        self._process = None

    def start(self):
        words = [
            self._program,
            f"--socket={self._socket}",
            "--hooks-dir=/opt/oci-cnb-hooks/current",
            f"--ready-file={self._ready}",
            f"--lock-file={self._directory / 'lock'}",
            *self._options,
        ]
        with open(self._directory / "log", "ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.await_ready()
        return self

    def await_ready(self):
        end = time.monotonic() + BOOT
        while not self._ready.exists():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)  # between two looks at what another process does

    def await_gone(self):
        """The plugin has seen that the runtime hung up."""
        end = time.monotonic() + BOOT
        while self._ready.exists():
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)  # between two looks at what another process does

    def send(self, which):
        os.kill(self._process.pid, which)

    def stop(self, how=signal.SIGTERM):
        self.send(how)
        self._process.wait(timeout=BOOT)
        self._ready.unlink(missing_ok=True)
        return self._process.returncode

    def memory(self):
        """Resident, in KiB."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def log(self):
        return (self._directory / "log").read_text(errors="replace")
