#!/usr/bin/python3
"""Records what a real containerd says to the plugin, for conversation_test.cpp:

    tests/lab/enter trixie python3 tests/unit/nri/record.py tests/unit/nri/recordings/containerd-1.7.24.bin

The file holds the bytes that the runtime sent, as they came: registration, synchronisation with one
pod that was there before, then containers that are left alone, adjusted and refused, and removals.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "tests/engines"))

from kit.containerd import Containerd  # noqa: E402
from kit.pod import Pod, Refused, Volume  # noqa: E402


class Proxy:
    """Listens for the plugin, and keeps what the runtime sends it."""

    def __init__(self, path, runtime):
        self.recorded = bytearray()
        self._runtime = runtime
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        plugin, _ = self._listener.accept()
        runtime = socket.socket(socket.AF_UNIX)
        runtime.connect(str(self._runtime))
        threading.Thread(target=self._copy, args=(plugin, runtime, None), daemon=True).start()
        self._copy(runtime, plugin, self.recorded)

    @staticmethod
    def _copy(source, target, kept):
        try:
            while data := source.recv(65536):
                if kept is not None:
                    kept += data
                target.sendall(data)
        except OSError:
            pass  # the other side has ended first
        target.close()


def wait_for(path):
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} didn't come"
        time.sleep(0.02)


def refused(pod, **fields):
    try:
        pod.create("true", **fields)
    except Refused as error:
        print("refused:", error)
        return
    raise AssertionError("not refused")


def converse(node, room):
    source = room / "source"
    source.mkdir()
    volume = Volume(source, "/workspace")
    with Pod(node, annotations={}) as plain:
        plain.create("true").remove()
    with Pod(node) as pod:
        pod.create("true", volumes=[volume]).remove()
        refused(pod)
    with Pod(node, annotations={"io.cnb.hooks.rol": "dev"}) as wrong:
        refused(wrong, volumes=[volume])


def main(out):
    room = pathlib.Path(tempfile.mkdtemp())
    node = Containerd(room / "c").start()
    node.load("pause", "basic")
    before = Pod(node, annotations={})
    proxy = Proxy(room / "proxy.sock", node.nri_socket)
    programs = CHECKOUT / "build/release/bin"
    plugin = subprocess.Popen(
        [programs / "oci-cnb-nri", "--socket", room / "proxy.sock", "--hooks-dir", programs,
         "--lock-file", room / "lock", "--state-dir", room / "state", "--ready-file", room / "ready"])
    try:
        wait_for(room / "ready")
        converse(node, room)
        before.remove()
    finally:
        plugin.terminate()
        print("plugin ended with", plugin.wait(10))
        node.stop()
    pathlib.Path(out).write_bytes(proxy.recorded)
    print(len(proxy.recorded), "bytes")


main(sys.argv[1])
