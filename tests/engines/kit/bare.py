"""crun and runc without an engine: a bundle, made ready by `oci-cnb spec apply`."""

import json
import os
import pathlib
import uuid

from kit import rootfs
from kit.engine import Result, execute, must


class Bare:
    """A runtime run by hand."""

    kind = "bare"

    def __init__(self, runtime, log, directory, programs):
        self.runtime = runtime
        self.name = runtime
        self._log = log
        self._directory = pathlib.Path(directory)
        self._programs = programs

    def bundle(self, request, hooks, edit=None):
        """A directory with config.json and rootfs, as the runtime's own `spec` begins it."""
        # Worlds that run at the same time share the cgroups, and may give one pid twice.
        name = f"{self.runtime}-{uuid.uuid4().hex[:12]}"
        bundle = self._directory / name
        (bundle / "rootfs").mkdir(parents=True)
        rootfs.extract(request.image, bundle / "rootfs")
        rootless = ["--rootless"] if os.geteuid() else []
        must([self.runtime, "spec", *rootless], cwd=bundle)
        path = bundle / "config.json"
        config = json.loads(path.read_text())
        self._fill(config, request, hooks)
        if edit:
            edit(config)
        path.write_text(json.dumps(config))
        return bundle

    def _fill(self, config, request, hooks):
        process = config["process"]
        process["terminal"] = False
        process["args"] = request.argv()
        process["env"] += [f"{name}={value}" for name, value in request.env.items()]
        process.pop("rlimits", None)  # raising them needs CAP_SYS_RESOURCE
        if request.user:
            uid, _, gid = request.user.partition(":")
            process["user"] = {"uid": int(uid), "gid": int(gid or uid)}
        config["root"]["readonly"] = request.rootfs_readonly
        config["annotations"] = {**config.get("annotations", {}), **request.annotations}
        for mount in request.all_mounts():
            config["mounts"].append(
                {
                    "destination": mount.target,
                    "source": str(mount.source),
                    "type": "bind",
                    "options": ["rbind", "ro" if mount.readonly else "rw"],
                }
            )
        if hooks and not hooks.as_installed:
            config["hooks"] = hooks.oci(inside=bool(os.geteuid()) and self.runtime == "crun")

    def prepare(self, bundle, hooks):
        """config.json through precreate's filter, as podman would do it, or `oci-cnb spec apply`.

        The second registers the mount hook where it has to be for whoever runs the runtime.
        """
        path = bundle / "config.json"
        words = [self._programs["oci-cnb-precreate"]]
        if hooks.as_installed:
            hooks_dir = self._programs["oci-cnb-createruntime"].parent
            words = [self._programs["oci-cnb"], "spec", "apply", "--hooks-dir", hooks_dir]
        result = execute(words, stdin=path.read_bytes(), env={})
        if result.status == 0:
            path.write_bytes(result.stdout)
        return result

    def global_options(self):
        options = ["--root", str(self._directory / "state")]
        if self.runtime == "crun":
            options += ["--cgroup-manager", "disabled" if os.geteuid() else "cgroupfs"]
        return options

    def run(self, request, hooks, edit=None) -> Result:
        position = self._log.position()
        bundle = self.bundle(request, hooks, edit)
        result = None
        if hooks and "precreate" in hooks.stages:
            result = self.prepare(bundle, hooks)
        if result is None or result.status == 0:
            result = execute(
                [self.runtime, *self.global_options(), "run", "--bundle", bundle, bundle.name]
            )
        result.log = self._log.since(position)
        return result
