"""An OCI image layout in a tar, from a variant of kit.rootfs: what `ctr images import` takes."""

import hashlib
import io
import json
import platform
import tarfile

from kit import rootfs

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
KINDS = "application/vnd.oci.image"


def name(variant):
    return f"localhost/{variant}:latest"


def archive(variant, entrypoint=None, called=None):
    """The bytes of the tar; called: the image's name, else the variant's."""
    layer = rootfs.tarball(variant)
    config = _config(variant, layer)
    if entrypoint:
        config["config"]["Entrypoint"] = entrypoint
    blobs = {}

    def blob(kind, data):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"{KINDS}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{KINDS}.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [blob("layer.v1.tar", layer)],
    }
    described = blob("manifest.v1+json", json.dumps(manifest).encode())
    described["annotations"] = {"io.containerd.image.name": called or name(variant)}
    blobs["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [described]}).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return _tar(blobs)


def _config(variant, layer):
    """rootfs' options are podman's: NAME=VALUE, and for ENV and LABEL the value is one more pair."""
    made = {"Env": ["PATH=/usr/bin:/bin"], "Labels": {}}
    for change in rootfs.VARIANTS[variant][1]:
        key, _, value = change.partition("=")
        if key == "ENV":
            made["Env"].append(value)
        elif key == "LABEL":
            made["Labels"].update([value.split("=", 1)])
        else:
            made[{"USER": "User", "WORKDIR": "WorkingDir"}[key]] = value
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": made,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }


def _tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
