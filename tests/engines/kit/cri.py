"""A client of the Container Runtime Interface, runtime.v1: what a kubelet says to containerd or CRI-O.

No package has the interface's Python classes and the trees have no protoc, so the messages that are
used are described here, by the protocol's field numbers (k8s.io/cri-api, api.proto), and made at
import time. Fields that aren't named are skipped both ways.
"""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TIMEOUT = 120  # seconds; a call that hangs is a failure, not a hung suite

# message: {field: (number, type)}; [type] is repeated, a name with a capital is a message above it.
MESSAGES = {
    "Empty": {},
    "KeyValue": {"key": (1, "string"), "value": (2, "string")},
    "StringEntry": {"key": (1, "string"), "value": (2, "string")},
    "Int64Value": {"value": (1, "int64")},
    "IDMapping": {"host_id": (1, "uint32"), "container_id": (2, "uint32"), "length": (3, "uint32")},
    "UserNamespace": {"mode": (1, "int32"), "uids": (2, ["IDMapping"]), "gids": (3, ["IDMapping"])},
    "NamespaceOption": {
        "network": (1, "int32"),
        "pid": (2, "int32"),
        "ipc": (3, "int32"),
        "userns_options": (5, "UserNamespace"),
    },
    "SandboxSecurity": {
        "namespace_options": (1, "NamespaceOption"),
        "run_as_user": (3, "Int64Value"),
        "privileged": (6, "bool"),
    },
    "LinuxSandbox": {"cgroup_parent": (1, "string"), "security_context": (2, "SandboxSecurity")},
    "SandboxMetadata": {
        "name": (1, "string"),
        "uid": (2, "string"),
        "namespace": (3, "string"),
        "attempt": (4, "uint32"),
    },
    "SandboxConfig": {
        "metadata": (1, "SandboxMetadata"),
        "hostname": (2, "string"),
        "log_directory": (3, "string"),
        "labels": (6, ["StringEntry"]),
        "annotations": (7, ["StringEntry"]),
        "linux": (8, "LinuxSandbox"),
    },
    "ImageSpec": {"image": (1, "string")},
    "Mount": {
        "container_path": (1, "string"),
        "host_path": (2, "string"),
        "readonly": (3, "bool"),
        "propagation": (5, "int32"),
        "uid_mappings": (6, ["IDMapping"]),
        "gid_mappings": (7, ["IDMapping"]),
    },
    "Capability": {"add_capabilities": (1, ["string"]), "drop_capabilities": (2, ["string"])},
    "ContainerSecurity": {
        "capabilities": (1, "Capability"),
        "privileged": (2, "bool"),
        "namespace_options": (3, "NamespaceOption"),
        "run_as_user": (5, "Int64Value"),
        "readonly_rootfs": (7, "bool"),
        "no_new_privs": (11, "bool"),
        "run_as_group": (12, "Int64Value"),
    },
    "LinuxContainer": {"security_context": (2, "ContainerSecurity")},
    "ContainerMetadata": {"name": (1, "string"), "attempt": (2, "uint32")},
    "ContainerConfig": {
        "metadata": (1, "ContainerMetadata"),
        "image": (2, "ImageSpec"),
        "command": (3, ["string"]),
        "args": (4, ["string"]),
        "working_dir": (5, "string"),
        "envs": (6, ["KeyValue"]),
        "mounts": (7, ["Mount"]),
        "labels": (9, ["StringEntry"]),
        "annotations": (10, ["StringEntry"]),
        "log_path": (11, "string"),
        "linux": (15, "LinuxContainer"),
    },
    "ContainerStatusBody": {
        "id": (1, "string"),
        "state": (3, "int32"),
        "exit_code": (7, "int32"),
        "reason": (10, "string"),
        "message": (11, "string"),
    },
    "Item": {"id": (1, "string"), "sandbox_of_container": (2, "bytes")},
    "Image": {"id": (1, "string")},
    "VersionRequest": {"version": (1, "string")},
    "VersionResponse": {"runtime_name": (2, "string"), "runtime_version": (3, "string")},
    "RunPodSandboxRequest": {"config": (1, "SandboxConfig"), "runtime_handler": (2, "string")},
    "RunPodSandboxResponse": {"pod_sandbox_id": (1, "string")},
    "SandboxRequest": {"pod_sandbox_id": (1, "string")},
    "CreateContainerRequest": {
        "pod_sandbox_id": (1, "string"),
        "config": (2, "ContainerConfig"),
        "sandbox_config": (3, "SandboxConfig"),
    },
    "CreateContainerResponse": {"container_id": (1, "string")},
    "ContainerRequest": {"container_id": (1, "string"), "timeout": (2, "int64")},
    "ContainerStatusResponse": {"status": (1, "ContainerStatusBody")},
    "ListResponse": {"items": (1, ["Item"])},
    "ExecSyncRequest": {
        "container_id": (1, "string"),
        "cmd": (2, ["string"]),
        "timeout": (3, "int64"),
    },
    "ExecSyncResponse": {"stdout": (1, "bytes"), "stderr": (2, "bytes"), "exit_code": (3, "int32")},
    "ImageStatusRequest": {"image": (1, "ImageSpec")},
    "ImageStatusResponse": {"image": (1, "Image")},
}
# method: (request, response); what is missing answers with nothing that a test needs.
METHODS = {
    "Version": ("VersionRequest", "VersionResponse"),
    "RunPodSandbox": ("RunPodSandboxRequest", "RunPodSandboxResponse"),
    "StopPodSandbox": ("SandboxRequest", "Empty"),
    "RemovePodSandbox": ("SandboxRequest", "Empty"),
    "ListPodSandbox": ("Empty", "ListResponse"),
    "CreateContainer": ("CreateContainerRequest", "CreateContainerResponse"),
    "StartContainer": ("ContainerRequest", "Empty"),
    "StopContainer": ("ContainerRequest", "Empty"),
    "RemoveContainer": ("ContainerRequest", "Empty"),
    "ListContainers": ("Empty", "ListResponse"),
    "ContainerStatus": ("ContainerRequest", "ContainerStatusResponse"),
    "ExecSync": ("ExecSyncRequest", "ExecSyncResponse"),
    "ImageStatus": ("ImageStatusRequest", "ImageStatusResponse"),
}
PACKAGE = "cnb.cri"
POD, CONTAINER, NODE = 0, 1, 2  # NamespaceMode
PRIVATE, FROM_HOST, BOTH_WAYS = 0, 1, 2  # MountPropagation
RUNNING, EXITED = 1, 2  # ContainerState
CALL_FAILED = grpc.RpcError
NOT_FOUND = grpc.StatusCode.NOT_FOUND


def _describe():
    file = descriptor_pb2.FileDescriptorProto(name="cri.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated = isinstance(kind, list)
            kind = kind[0] if repeated else kind
            added = message.field.add(name=field, number=number, label=3 if repeated else 1)
            if kind in MESSAGES:
                added.type, added.type_name = added.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            else:
                added.type = getattr(added, f"TYPE_{kind.upper()}")
    return file


def _classes():
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_describe())
    make = getattr(message_factory, "GetMessageClass", None)  # since protobuf 4.22
    if make is None:
        make = message_factory.MessageFactory(pool).GetPrototype
    return {name: make(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


_CLASSES = _classes()


def message(name, /, **fields):
    """message("Mount", host_path=...)"""
    return _CLASSES[name](**fields)


def entries(pairs):
    """A map<string, string> as it is on the wire."""
    return [message("StringEntry", key=key, value=value) for key, value in pairs.items()]


class Client:
    """client.RunPodSandbox(config=..., runtime_handler=...): a call for each method of METHODS."""

    def __init__(self, socket):
        self._channel = grpc.insecure_channel(f"unix://{socket}")
        for method, (request, response) in METHODS.items():
            setattr(self, method, self._call(method, request, response))

    def _call(self, method, request, response):
        service = "ImageService" if method.startswith("Image") else "RuntimeService"
        remote = self._channel.unary_unary(
            f"/runtime.v1.{service}/{method}",
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=_CLASSES[response].FromString,
        )
        return lambda **fields: remote(message(request, **fields), timeout=TIMEOUT)

    def close(self):
        self._channel.close()
