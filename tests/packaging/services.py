"""Services that pages of the documentation set up: started here as systemd would, which the lab hasn't."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib

import machine
from kit import containerd, docker, oci_image, rootfs
from kit.pod import Pod, Volume

LIMIT = 60  # seconds
COMPOSE = "docker-compose"
COMPOSE_PLUGIN = f"""#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{{"SchemaVersion": "0.1.0", "Vendor": "lab", "Version": "1"}}'
  exit
fi
shift
exec {COMPOSE} "$@"
"""


def wait_until(condition):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)  # between two looks at what another process does


class NoService:
    """A page whose commands need nothing that runs. answers: {command: what the service does and shows when it
    is typed in a directory}."""

    variables = {}
    answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def fits(self, condition):
        raise ValueError(condition)


class Docker(NoService):
    """dockerd with Debian's own client; its daemon.json is where an administrator's is."""

    CONFIG = pathlib.Path("/etc/docker/daemon.json")

    def __init__(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="docker-"))
        self._engine = docker.Docker(directory / "engine", {}, None, config=self.CONFIG).configure()
        self.variables = {"DOCKER_HOST": f"unix://{directory}/engine/docker.sock", "HOME": str(directory),
                          "PATH": f"{pathlib.Path(docker.PROGRAM).parent}:{os.environ['PATH']}"}
        self.answers = {"systemctl reload docker": self._reload}
        self._give_compose(directory)

    def __enter__(self):
        self._engine.start()
        machine.must(self._engine.command("import", "-", "busybox"), stdin=rootfs.tarball("basic"))
        return self

    def __exit__(self, *_):
        self._engine.stop()
        self.CONFIG.unlink()

    def _reload(self, _):
        self._engine.signal(signal.SIGHUP)
        wanted = "cnb" in json.loads(self.CONFIG.read_text())["runtimes"]
        wait_until(lambda: wanted == ("cnb" in self._runtimes()))
        return ""

    def _runtimes(self):
        return json.loads(machine.must(self._engine.command("info", "--format", "{{json .Runtimes}}")).stdout)

    def _give_compose(self, home):
        """`docker compose`, where compose is packaged as a program of its own."""
        plugin = home / ".docker/cli-plugins/docker-compose"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(COMPOSE_PLUGIN)
        plugin.chmod(0o755)

    def fits(self, condition):
        """compose, or docker>=VERSION: an older one has to refuse, or the page says too little."""
        if condition == "compose":
            return shutil.which(COMPOSE) is not None
        return self._engine.version()[0] >= int(condition.removeprefix("docker>="))


class Plugin:
    """oci-cnb-nri with the command line of its unit, and this machine's socket."""

    UNIT = pathlib.Path("/usr/lib/systemd/system/oci-cnb-nri.service")
    RUNTIME_DIRECTORY = pathlib.Path("/run/oci-cnb-nri")

    def __init__(self, socket):
        self._socket = socket
        self._process = None

    def start(self, _):
        text = re.search(r"^ExecStart=(.*?[^\\])$", self.UNIT.read_text(), re.MULTILINE | re.DOTALL).group(1)
        words = text.replace("\\\n", " ").split()
        self.RUNTIME_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
        self._process = subprocess.Popen([*words, f"--socket={self._socket}"], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()
        return ""

    def wait(self):
        """Until it is connected."""
        wait_until((self.RUNTIME_DIRECTORY / "ready").exists)

    def stop(self, _):
        self._process.terminate()
        self._process.wait(timeout=LIMIT)
        shutil.rmtree(self.RUNTIME_DIRECTORY)
        return ""


class Containerd(NoService):
    """containerd and, where it has NRI, the plugin. There is no API server: kubectl's part, and the kubelet's,
    is to hand the pod in pod.yaml to containerd by the CRI. tests/kubernetes/test_page.py has kubectl itself."""

    CONFIG = pathlib.Path("/etc/containerd/config.toml")

    def __init__(self):
        self._room = pathlib.Path(tempfile.mkdtemp(prefix="c-"))
        self._engine = containerd.Containerd(self._room, config=self.CONFIG).configure()
        self._plugin = Plugin(self._engine.nri_socket)
        self._pod = self._container = None
        self.variables = {"CONTAINERD_ADDRESS": str(self._engine.socket)}
        self.answers = {
            "systemctl restart containerd": self._restart,
            "systemctl enable --now oci-cnb-nri": self._plugin.start,
            "systemctl disable --now oci-cnb-nri": self._plugin.stop,
            "kubectl apply -f pod.yaml": self._apply,
            "kubectl logs try": self._logs,
            "kubectl delete pod try": self._delete,
        }

    def __enter__(self):
        self._engine.start()
        self._engine.load("pause", "basic")
        image = self._room / "busybox.tar"
        image.write_bytes(oci_image.archive("basic", called="localhost/busybox:latest"))
        machine.must(["ctr", "--address", self._engine.socket, "images", "import", image])
        return self

    def __exit__(self, *_):
        self._engine.sweep()
        self._engine.stop()
        wait_until(lambda: not self._engine.shims())
        self._collect()
        self.CONFIG.unlink()

    def fits(self, condition):
        relation, version = re.fullmatch(r"containerd(>=|<)([\d.]+)", condition).groups()
        newer = self._engine.version >= tuple(map(int, version.split(".")))
        return newer == (relation == ">=")

    @staticmethod
    def _collect():
        """A pod's session outlives its sandbox by ten minutes, and goes with the next collection. Twice: what
        was killed is found dead first, and its time begins then."""
        for _ in range(2):
            for session in pathlib.Path("/var/lib/oci-cnb-hooks/sessions").glob("p-*"):
                os.utime(session, (0, 0))
            machine.must(["oci-cnb", "session", "gc"])

    def _restart(self, _):
        self._engine.stop()
        self._engine.start()
        return ""

    def _apply(self, where):
        text = (where / "pod.yaml").read_text()

        def value(pattern):
            return re.search(pattern, text, re.MULTILINE).group(1)

        annotations = dict([value(r"^  annotations: \{(.*)\}$").split(": ")])
        self._pod = Pod(self._engine, annotations, value(r"^handler: (.*)$"))
        self._container = self._pod.start(
            value(r'command: \[sh, -c, "(.*)"\]'), working_dir=value(r"workingDir: (.*)$"),
            volumes=[Volume(value(r"hostPath: \{path: (.*?)\}"), value(r"mountPath: (.*?)\}"))])
        return "runtimeclass.node.k8s.io/cnb created\npod/try created\n"

    def _logs(self, _):
        assert self._container.wait() == 0
        return self._container.output().decode()

    def _delete(self, _):
        self._pod.remove()
        return 'pod "try" deleted\n'


class Crio(NoService):
    """CRI-O is in no Debian, so nothing is started: what its commands write is what is looked at, and that
    it is TOML whose programs are there."""

    def __init__(self):
        self.answers = {
            "systemctl restart crio": self._read,
            "systemctl enable --now oci-cnb-nri": lambda _: "",
            "systemctl disable --now oci-cnb-nri": lambda _: "",
        }

    @staticmethod
    def _read(_):
        for path in pathlib.Path("/etc/crio/crio.conf.d").glob("*.conf"):
            runtime = tomllib.loads(path.read_text())["crio"].get("runtime", {})
            for directory in runtime.get("hooks_dir", []):
                for hook in pathlib.Path(directory).glob("*.json"):
                    assert os.access(json.loads(hook.read_text())["hook"]["path"], os.X_OK)
            for handler in runtime.get("runtimes", {}).values():
                assert os.access(handler["runtime_path"], os.X_OK)
        return ""


OF_PAGES = {"docker": Docker, "containerd": Containerd, "cri-o": Crio}
