"""`podman run` with the hooks, against programs that do nothing, and against no hooks at all.

    podman_bench.py --quick|--full PROGRAMS        (run.sh calls it, in tests/lab/enter)

Commands that are compared take turns. Prints lines for run.sh's table.
"""

import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "engines"))

from kit import source  # noqa: E402
from kit.hooks import STAGES, Hooks  # noqa: E402
from kit.podman import Podman  # noqa: E402
from turns import row, spawn, take_turns  # noqa: E402

RUNS = {"--full": 60, "--quick": 5}
OPT_IN = ["--annotation", "io.cnb.hooks.role=dev"]
# What is asked of every container: that it ran.
COMMAND = ["/bin/true"]


class Bench:
    def __init__(self, programs, directory):
        self._directory = pathlib.Path(directory)
        ours = {name: pathlib.Path(programs) / name for name in STAGES.values()}
        self._ours = self._hooks("ours", ours)
        self._true = self._hooks("true", self._idle_programs())
        self._none = self._directory / "none"
        self._none.mkdir()
        self._image = Podman.image("basic")
        self._source = source.make(self._directory / "source", 0, 0)

    def _hooks(self, name, programs):
        return Hooks(self._directory / name, programs, ("precreate", "createRuntime", "poststop"))

    @staticmethod
    def _idle_programs():
        """/bin/true that takes its input: crun fails on a hook that ends before it has (EPIPE), and
        precreate has to give config.json back."""
        return dict.fromkeys(STAGES.values(), pathlib.Path("/bin/cat"))

    def run(self, hooks, annotations):
        """Seconds that one container takes from `podman run` to its end."""
        options = hooks.podman_options() if hooks else ["--hooks-dir", str(self._none)]
        command = ["podman", "--runtime", "crun", *options, "run", "--rm", "--network", "none",
                   *annotations, "--volume", f"{self._source}:/workspace", self._image, *COMMAND]
        return spawn(command)

    def opted_in(self, runs):
        return self._compare(runs, (self._ours, OPT_IN), (self._true, OPT_IN))

    def not_opted_in(self, runs):
        return self._compare(runs, (self._ours, []), (None, []))

    def _compare(self, runs, ours, peer):
        return take_turns(runs, lambda: self.run(*ours), lambda: self.run(*peer))


def main():
    scale, programs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(programs, directory)
        ours, peer = map(statistics.median, bench.opted_in(RUNS[scale]))
        met = "met" if ours / peer <= 1.05 else "missed"
        row("podman run with the hooks : idle hooks of the same stages", ours, peer, "<= 1.05", met)

        ours, peer = bench.not_opted_in(RUNS[scale])
        low, _, high = statistics.quantiles(peer, n=4)
        medians = statistics.median(ours), statistics.median(peer)
        met = "met" if abs(medians[0] - medians[1]) <= (high - low) / 2 else "missed"
        row("podman run, not opted in : no hooks", *medians, "noise", met)


main()
