"""oci-cnb-runtime in front of a runtime, against the runtime alone; `oci-cnb spec apply`.

    runtime_bench.py --quick|--full PROGRAMS        (run.sh calls it, in tests/lab/enter)

Commands that are compared take turns; medians. Prints lines for run.sh's table.
"""

import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "engines"))

from kit import rootfs, source  # noqa: E402
from kit.engine import must  # noqa: E402
from turns import row, spawn, take_turns  # noqa: E402

RUNS = {"--full": 60, "--quick": 5}
CONFIG = pathlib.Path("/etc/oci-cnb-hooks/config.toml")
SIZES = {"10 KB": 10_000, "1 MB": 1_000_000}


class Bundle:
    """One that a runtime's own `spec` began, which runs /bin/true."""

    def __init__(self, directory, runtime, programs):
        self.directory = pathlib.Path(directory)
        self.config = self.directory / "config.json"
        self._programs = programs
        (self.directory / "rootfs").mkdir(parents=True)
        rootfs.extract("basic", self.directory / "rootfs")
        must([runtime, "spec"], cwd=self.directory)
        document = json.loads(self.config.read_text())
        document["process"] |= {"terminal": False, "args": ["true"]}
        document["process"].pop("rlimits", None)  # raising them needs CAP_SYS_RESOURCE
        document["root"]["readonly"] = False
        document["mounts"].append({
            "destination": "/workspace", "type": "bind", "options": ["rbind"],
            "source": source.make(self.directory / "source", 0, 0)})
        self.plain = json.dumps(document)
        self.opted_in = json.dumps({**document, "annotations": {"io.cnb.hooks.role": "dev"}})
        self.adjusted = self._apply(self.opted_in)

    def _apply(self, document):
        words = [self._programs / "oci-cnb", "spec", "apply", "--hooks-dir", self._programs]
        return must(words, stdin=document.encode()).stdout.decode()

    def run(self, program, runtime, document):
        """A function: seconds of one `run`; config.json is what it was before, each time."""
        state = self.directory / "state"
        options = ["--root", state] + (["--cgroup-manager", "cgroupfs"] if runtime == "crun" else [])
        words = [program, *options, "run", "--bundle", self.directory, self.directory.name]

        def once():
            self.config.write_text(document)
            return spawn(words)

        return once


def compare(runs, what, ours, peer, bar=None):
    times = take_turns(runs, ours, peer)
    medians = [statistics.median(side) for side in times]
    ratio = medians[0] / medians[1]
    if bar is None:
        row(what, *medians)
    elif bar == "noise":
        low, _, high = statistics.quantiles(times[1], n=4)
        met = "met" if abs(medians[0] - medians[1]) <= (high - low) / 2 else "missed"
        row(what, *medians, "noise", met)
    else:
        row(what, *medians, f"<= {bar}", "met" if ratio <= bar else "missed")


def under(runtime, runs, programs, room):
    bundle = Bundle(room / f"bench-{runtime}", runtime, programs)
    wrapper = programs / f"oci-cnb-runtime.{runtime}"
    wrapper.symlink_to("oci-cnb-runtime")
    real = shutil.which(runtime)
    name = f"oci-cnb-runtime run : {runtime} run"
    compare(runs, f"{name}, not opted in", bundle.run(wrapper, runtime, bundle.plain),
            bundle.run(real, runtime, bundle.plain), "noise")
    compare(runs, f"{name} of the adjusted bundle, opted in",
            bundle.run(wrapper, runtime, bundle.opted_in),
            bundle.run(real, runtime, bundle.adjusted))
    compare(runs, f"{name} without hooks, opted in", bundle.run(wrapper, runtime, bundle.opted_in),
            bundle.run(real, runtime, bundle.plain))


def alone(runs, programs, room):
    """What the wrapper itself takes: in front of a program that does nothing."""
    idle = programs.parent / "tests/bench/empty_program"
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(f'runtime = "{idle}"\n')
    CONFIG.chmod(0o644)
    bundle = Bundle(room / "bench-alone", "runc", programs)
    for what, document in (("not opted in", bundle.plain), ("opted in", bundle.opted_in)):
        compare(runs, f"oci-cnb-runtime and an empty static program : that program, {what}",
                bundle.run(programs / "oci-cnb-runtime", "runc", document),
                bundle.run(idle, "runc", document))
    CONFIG.unlink()
    return bundle


def document_of(bundle, size):
    """A document of about this size: as engines make it, by a long environment and many mounts."""
    document = json.loads(bundle.opted_in)
    process, mounts = document["process"], document["mounts"]
    for number in range(size):
        if number % 64 == 0 and len(json.dumps(document)) >= size:
            break
        process["env"].append(f"VARIABLE_{number}={'x' * 60}")
        mounts.append({"destination": f"/mnt/{number}", "type": "bind", "source": "/srv",
                       "options": ["rbind", "ro", "nosuid"]})
    return json.dumps(document)


def apply(runs, programs, bundle, room):
    words = [programs / "oci-cnb", "spec", "apply", "--hooks-dir", programs]
    for name, size in SIZES.items():
        path = room / "large.json"
        path.write_text(document_of(bundle, size))
        assert must([*words, path]).stdout != path.read_bytes(), "nothing was applied"
        compare(runs, f"spec apply, {name} : cat", lambda path=path: spawn(words, path),
                lambda path=path: spawn(["cat"], path))


def main():
    scale, programs = sys.argv[1], pathlib.Path(sys.argv[2])
    runs = RUNS[scale]
    with tempfile.TemporaryDirectory() as directory:
        room = pathlib.Path(directory)
        for runtime in ("runc", "crun"):
            if shutil.which(runtime):
                under(runtime, runs, programs, room)
            else:
                print(f"note\t{runtime} is not installed: its rows are missing")
        bundle = alone(runs, programs, room)
        apply(runs, programs, bundle, room)


main()
