"""podman over a runtime of its choice."""

from kit import rootfs
from kit.engine import Result, execute, must

_imported = set()


class Podman:
    """podman with the storage of the lab."""

    kind = "podman"

    def __init__(self, runtime, log):
        self.runtime = runtime
        self.name = f"podman-{runtime}"
        self._log = log

    @staticmethod
    def version():
        text = must(["podman", "version", "--format", "{{.Client.Version}}"]).stdout.decode()
        return tuple(int(part) for part in text.strip().split(".")[:2])

    @staticmethod
    def image(variant):
        """Makes the image if it isn't there; returns its name."""
        name = f"localhost/{variant}"
        if variant not in _imported:
            if variant in rootfs.ADOPTED:
                must(["podman", "load", "--quiet"], stdin=rootfs.ADOPTED[variant].archive(name))
            else:
                must(["podman", "import", "--quiet", *rootfs.changes(variant), "-", name],
                     stdin=rootfs.tarball(variant))
            _imported.add(variant)
        return name

    def command(self, hooks, *words):
        """A podman command line with our hooks."""
        options = hooks.podman_options() if hooks else ["--hooks-dir", "/var/empty"]
        return ["podman", "--runtime", self.runtime, *options, *words]

    def call(self, hooks, *words, stdin=b""):
        """Any podman command, with what the hooks logged during it."""
        position = self._log.position()
        result = execute(self.command(hooks, *words), stdin=stdin)
        result.log = self._log.since(position)
        return result

    def create_options(self, request):
        options = ["--network", "none"]
        for key, value in request.annotations.items():
            options += ["--annotation", f"{key}={value}"]
        for mount in request.all_mounts():
            options += ["--volume", mount.volume()]
        for name, value in request.env.items():
            options += ["--env", f"{name}={value}"]
        if request.user:
            options += ["--user", request.user]
        if request.rootfs_readonly:
            options += ["--read-only"]
        return [*options, *request.options, self.image(request.image), *request.argv()]

    def run(self, request, hooks) -> Result:
        return self.call(hooks, "run", "--rm", *self.create_options(request))
