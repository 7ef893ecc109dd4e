"""What a pod costs with the NRI plugin, on a real containerd, and what the plugin costs with 200 pods.

    tests/lab/enter sid python3 tests/bench/kubernetes_bench.py [--pairs N] [--pods N] PROGRAMS

PROGRAMS is a directory with the built programs. Two nodes, one of them with the plugin, take turns;
the table has medians of sandbox, creation and start together, and their ratio.
"""

import argparse
import concurrent.futures
import pathlib
import socket
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "engines"), str(HERE.parent / "kubernetes")]

from kit import source  # noqa: E402
from kit.containerd import PAUSE, Containerd, Handler  # noqa: E402
from kit.engine import must  # noqa: E402
from kit.pod import DEV, Pod, Volume  # noqa: E402
from plugin import Plugin  # noqa: E402


class Bench:
    def __init__(self, directory, programs):
        self._directory = pathlib.Path(directory)
        self._volume = Volume(source.make(self._directory / "source", 0, 0), "/workspace")
        install = [programs / "oci-cnb", "node", "install", "--based-on", "runc"]
        must(install)
        self._spec = "/opt/oci-cnb-hooks/current/base-spec.json"
        self.plain = self._node("plain", {"runc": Handler("runc")})
        self.ours = self._node(
            "ours", {"runc": Handler("runc"), "cnb": Handler("runc", base_spec=self._spec)}
        )
        self.metrics = self._directory / "metrics.sock"
        self.plugin = Plugin(programs / "oci-cnb-nri", self.ours, f"--metrics=unix:{self.metrics}").start()

    def _node(self, name, handlers):
        node = Containerd(self._directory / name, handlers).start()
        node.load(PAUSE, "basic")
        return node

    def pod(self, node, handler="runc", annotations=None):
        pod = Pod(node, annotations or {}, handler)
        pod.start("exec sleep 10000", volumes=[self._volume])
        return pod

    def seconds(self, *what):
        begin = time.perf_counter()
        pod = self.pod(*what)
        taken = time.perf_counter() - begin
        pod.remove()
        return taken

    def compare(self, runs, ours, peer):
        """Medians of both, taking turns; the first pair warms up."""
        times = ([], [])
        for turn in range(runs + 1):
            for side in ((0, 1) if turn % 2 else (1, 0)):
                times[side].append(self.seconds(*(ours, peer)[side]))
        return [statistics.median(taken[1:]) for taken in times]

    def handler(self):
        """{opted in: (mean seconds, calls)} as the plugin itself has measured."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.metrics))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("oci_"))
        found = {}
        for opted_in in ("true", "false"):
            total, count = (
                float(values[f'oci_cnb_nri_handler_seconds_{part}{{opted_in="{opted_in}"}}'])
                for part in ("sum", "count")
            )
            found[opted_in] = (total / count if count else 0, int(count))
        return found

    def many(self, count):
        """Memory of the plugin in KiB before, with and after so many pods that opted in."""
        memory = [self.plugin.memory()]
        with concurrent.futures.ThreadPoolExecutor(4) as workers:
            pods = list(workers.map(lambda _: self.pod(self.ours, "cnb", DEV), range(count)))
            memory.append(self.plugin.memory())
            list(workers.map(Pod.remove, pods))
        memory.append(self.plugin.memory())
        return memory

    def end(self):
        self.plugin.stop()
        for node in (self.ours, self.plain):
            node.sweep()
            node.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--pairs", type=int, default=40, help="of pods that are compared")
    options.add_argument("--pods", type=int, default=200, help="at once, for the plugin's memory")
    options.add_argument("programs", type=pathlib.Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(directory, chosen.programs.resolve())
        for what, ours in (
            ("a pod that didn't opt in, plugin : no plugin", (bench.ours,)),
            ("a pod that opted in, plugin : plain pod, no plugin", (bench.ours, "cnb", DEV)),
        ):
            mine, peer = bench.compare(chosen.pairs, ours, (bench.plain,))
            print(f"{what}: {mine * 1e3:.1f} ms : {peer * 1e3:.1f} ms = {mine / peer:.3f}", flush=True)
        for opted_in, (mean, calls) in bench.handler().items():
            print(f"handler, opted in {opted_in}: mean {mean * 1e3:.3f} ms of {calls} calls", flush=True)
        before, during, after = bench.many(chosen.pods)
        print(f"plugin's memory: {before} KiB, with {chosen.pods} pods {during} KiB, after them {after} KiB")
        bench.end()


main()
