"""The image that a build wrote into an OCI layout directory."""

import gzip
import hashlib
import io
import json
import tarfile

NAME = "org.opencontainers.image.ref.name"


class Image:
    """An image by the directory of its layout; every blob is compared with its digest."""

    def __init__(self, layout, name):
        self.directory = layout / "localhost" / name / "latest"
        index = json.loads((self.directory / "index.json").read_text())
        assert len(index["manifests"]) == 1, index
        self.digest = index["manifests"][0]["digest"]
        self.manifest = json.loads(self._blob(self.digest))
        self.config = json.loads(self._blob(self.manifest["config"]["digest"]))["config"]

    def _blob(self, digest):
        algorithm, _, value = digest.partition(":")
        data = (self.directory / "blobs" / algorithm / value).read_bytes()
        assert hashlib.sha256(data).hexdigest() == value
        return data

    def layers(self):
        """Its layers as uncompressed tars, the lowest first."""
        blobs = [self._blob(layer["digest"]) for layer in self.manifest["layers"]]
        return [gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob for blob in blobs]

    def archive(self, name):
        """The layout in a tar, with the name by which `podman load` is to call the image."""
        index = json.loads((self.directory / "index.json").read_text())
        index["manifests"][0].setdefault("annotations", {})[NAME] = name
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(self.directory / "blobs", "blobs")
            for path, data in (
                ("oci-layout", (self.directory / "oci-layout").read_bytes()),
                ("index.json", json.dumps(index).encode()),
            ):
                entry = tarfile.TarInfo(path)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()

    def env(self):
        return dict(entry.split("=", 1) for entry in self.config["Env"])
