"""What a kubelet makes of our manifests: containers over the CRI."""

import pathlib
import time

from kit import cri
from kit.pod import Pod, Volume

LIMIT = 60  # seconds


def await_true(condition, describe):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, describe()
        time.sleep(0.1)  # between two looks at what another process does


def security(asked):
    """securityContext as a kubelet hands it on."""
    if not asked:
        return None
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


class Kubelet:
    """Of the machine of a containerd; claims: {name of a PersistentVolumeClaim: its directory}."""

    def __init__(self, containerd, claims=None):
        self._containerd = containerd
        self._claims = claims or {}

    def sandbox(self, spec, annotations=None, handler="runc"):
        return Pod(self._containerd, annotations or {}, handler, host_pid=spec.get("hostPID", False))

    def _directory(self, volume):
        if "persistentVolumeClaim" in volume:
            return self._claims[volume["persistentVolumeClaim"]["claimName"]]
        own = self._containerd.directory / f"volume-{volume['name']}"
        path = pathlib.Path(volume.get("hostPath", {}).get("path", own))
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _mounts(self, spec, container):
        # Where this containerd has what others have below /run.
        moved = {"/var/run/nri": (self._containerd.directory, None),
                 "/run/containerd": (self._containerd.directory / "state",) * 2}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            path = volume.get("hostPath", {}).get("path")
            source, target = moved[path] if path in moved else (self._directory(volume), None)
            yield Volume(source, str(target or mount["mountPath"]), mount.get("readOnly", False))

    def start(self, pod, spec, name, attempt=0):
        """The container of this name."""
        asked = next(one for one in [*spec.get("initContainers", []), *spec["containers"]] if one["name"] == name)
        return pod.start(
            "",
            name=name,
            attempt=attempt,
            reference=asked["image"],
            volumes=list(self._mounts(spec, asked)),
            command=asked.get("command", []),
            args=asked.get("args", []),
            working_dir=asked.get("workingDir", ""),
            env={one["name"]: one["value"] for one in asked.get("env", [])},
            security=security(asked.get("securityContext")),
        )

    def run(self, pod, spec):
        """Init containers one after the other, then the others; as soon as they are ready: {name: container}."""
        for asked in spec.get("initContainers", []):
            container = self.start(pod, spec, asked["name"])
            assert container.wait() == 0, container.output()
        running = {asked["name"]: self.start(pod, spec, asked["name"]) for asked in spec["containers"]}
        for asked in spec["containers"]:
            if "readinessProbe" in asked:
                probe, container = asked["readinessProbe"]["exec"]["command"], running[asked["name"]]
                await_true(lambda: container.exec(*probe)[0] == 0, container.output)  # noqa: B023
        return running
