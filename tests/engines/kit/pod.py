"""Pods as a kubelet makes them, over kit.cri: host network, so that no CNI is needed."""

import dataclasses
import itertools
import pathlib
import time

from kit import cri, oci_image
from kit.probe import Facts

DEV = {"io.cnb.hooks.role": "dev"}
DEADLINE = 60  # seconds for a container's process to end
_counter = itertools.count()


@dataclasses.dataclass
class Volume:
    """What the kubelet makes of any volume: a directory of the host."""

    source: str
    target: str
    readonly: bool = False
    propagation: int = cri.PRIVATE

    def message(self, mappings=()):
        """mappings: of a pod with a user namespace; the kubelet asks for its volumes idmapped."""
        return cri.message(
            "Mount",
            host_path=str(self.source),
            container_path=self.target,
            readonly=self.readonly,
            propagation=self.propagation,
            uid_mappings=mappings,
            gid_mappings=mappings,
        )


def user_namespace(host_id=100_000, length=65536):
    """hostUsers: false, with ids from host_id on."""
    ids = [cri.message("IDMapping", host_id=host_id, container_id=0, length=length)]
    return cri.message("UserNamespace", mode=cri.POD, uids=ids, gids=ids)


class Refused(Exception):
    """The runtime's answer to a container or pod that it didn't create or start."""


def _unless_refused(call, **fields):
    try:
        return call(**fields)
    except cri.CALL_FAILED as error:
        raise Refused(error.details()) from None


class Pod:
    """with Pod(containerd, ...) as pod: pod.run(...)"""

    def __init__(self, containerd, annotations=None, handler="runc", uid=None, user_namespace=None,
                 privileged=False, host_pid=False):
        self._containerd = containerd
        name = f"pod-{next(_counter)}"
        self.uid = uid or f"0b5e3f8a-0000-4000-8000-{next(_counter):012d}"
        options = cri.message("NamespaceOption", network=cri.NODE)
        if host_pid:
            options.pid = cri.NODE
        if user_namespace:
            options.network = cri.POD  # the host's belongs to another user namespace
            options.userns_options.CopyFrom(user_namespace)
        self.logs = pathlib.Path(containerd.directory) / "logs" / f"{name}-{self.uid}"
        self.config = cri.message(
            "SandboxConfig",
            metadata=cri.message("SandboxMetadata", name=name, uid=self.uid, namespace="default"),
            log_directory=str(self.logs),
            annotations=cri.entries(DEV if annotations is None else annotations),
            linux=cri.message(
                "LinuxSandbox",
                security_context=cri.message("SandboxSecurity", namespace_options=options,
                                             privileged=privileged),
            ),
        )
        self._options = options
        self._privileged = privileged
        answer = _unless_refused(
            self.client.RunPodSandbox,
            config=self.config,
            runtime_handler="" if handler == "runc" else handler,
        )
        self.id = answer.pod_sandbox_id

    @property
    def client(self):
        return self._containerd.client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        """As a kubelet: one that the runtime has forgotten is gone."""
        for call in (self.client.StopPodSandbox, self.client.RemovePodSandbox):
            try:
                call(pod_sandbox_id=self.id)
            except cri.CALL_FAILED as error:
                if error.code() != cri.NOT_FOUND:
                    raise

    def create(self, script, name="main", attempt=0, volumes=(), **fields):
        """A created container; fields: image, reference (its whole name), env, working_dir, user, readonly, privileged, annotations,
        security (a message to begin with), command and args (in place of script)."""
        security = fields.get("security") or cri.message("ContainerSecurity")
        security.namespace_options.CopyFrom(self._options)
        security.readonly_rootfs |= fields.get("readonly", False)
        security.privileged = fields.get("privileged", self._privileged)
        if "user" in fields:
            for which in ("run_as_user", "run_as_group"):
                getattr(security, which).value = fields["user"]
        config = cri.message(
            "ContainerConfig",
            metadata=cri.message("ContainerMetadata", name=name, attempt=attempt),
            image=cri.message("ImageSpec", image=fields.get("reference") or
                              oci_image.name(fields.get("image", "basic"))),
            command=fields.get("command", ["sh", "-c", script]),
            args=fields.get("args", []),
            working_dir=fields.get("working_dir", ""),
            envs=[cri.message("KeyValue", key=key, value=value)
                  for key, value in fields.get("env", {}).items()],
            mounts=[volume.message(self._options.userns_options.uids) for volume in volumes],
            annotations=cri.entries(fields.get("annotations", {})),
            log_path=f"{name}-{attempt}.log",
            linux=cri.message("LinuxContainer", security_context=security),
        )
        answer = _unless_refused(
            self.client.CreateContainer,
            pod_sandbox_id=self.id,
            config=config,
            sandbox_config=self.config,
        )
        return Container(self, answer.container_id, self.logs / f"{name}-{attempt}.log")

    def start(self, script, **fields):
        container = self.create(script, **fields)
        container.start()
        return container

    def run(self, script, **fields):
        """To its end: the facts that a probe printed."""
        return self.start(script, **fields).facts()


class Container:
    """One container of a pod."""

    def __init__(self, pod, identity, log):
        self._pod = pod
        self.id = identity
        self._log = log

    def start(self):
        _unless_refused(self._pod.client.StartContainer, container_id=self.id)

    def status(self):
        return self._pod.client.ContainerStatus(container_id=self.id).status

    def wait(self):
        """Its exit code."""
        end = time.monotonic() + DEADLINE
        while (status := self.status()).state != cri.EXITED:
            assert time.monotonic() < end, f"{self.id} still runs: {self.output()!r}"
            time.sleep(0.02)  # between two looks at what another process does
        return status.exit_code

    def facts(self):
        """Of a probe that ran to its end."""
        code = self.wait()
        assert code == 0, f"exit {code} ({self.status().reason}): {self.output()!r}"
        found = Facts(self.output())
        assert found.started, self.output()
        return found

    def output(self):
        """Its standard output. A line of the log is TIME STREAM TAG LINE, with P for a part of one."""
        parts = []
        for line in self._log.read_bytes().split(b"\n") if self._log.exists() else ():
            fields = line.split(b" ", 3)
            if len(fields) == 4 and fields[1] == b"stdout":
                parts.append(fields[3] + (b"" if fields[2] == b"P" else b"\n"))
        return b"".join(parts)

    def exec(self, *command):
        """(exit code, standard output)"""
        answer = self._pod.client.ExecSync(container_id=self.id, cmd=command, timeout=DEADLINE)
        return answer.exit_code, answer.stdout.decode()

    def stop(self, timeout=0):
        self._pod.client.StopContainer(container_id=self.id, timeout=timeout)

    def remove(self):
        self._pod.client.RemoveContainer(container_id=self.id)
