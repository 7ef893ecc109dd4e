"""What every engine can do for a test: run one script in one container."""

import dataclasses
import subprocess

from kit.probe import Facts

DEV = {"io.cnb.hooks.role": "dev"}
TIMEOUT = 120  # seconds; a container that hangs is a failure, not a hung suite


@dataclasses.dataclass
class Mount:
    """A bind mount that the test asks the engine for."""

    source: str
    target: str
    readonly: bool = False

    def volume(self):
        return f"{self.source}:{self.target}{':ro' if self.readonly else ''}"


@dataclasses.dataclass
class Request:
    """One container. source is mounted at /workspace unless it is None."""

    script: str
    source: str | None
    annotations: dict = dataclasses.field(default_factory=lambda: dict(DEV))
    image: str = "basic"
    mounts: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    command: tuple | None = None  # instead of `sh -c script`
    user: str | None = None
    source_readonly: bool = False
    rootfs_readonly: bool = False
    options: tuple = ()  # the engine's own

    def argv(self):
        return list(self.command) if self.command else ["sh", "-c", self.script]

    def all_mounts(self):
        own = [Mount(self.source, "/workspace", self.source_readonly)] if self.source else []
        return [*own, *self.mounts]


@dataclasses.dataclass
class Result:
    """What came of it. log is what the hooks wrote to their log meanwhile."""

    status: int
    stdout: bytes
    stderr: str
    log: str = ""

    @property
    def facts(self):
        return Facts(self.stdout)

    @property
    def started(self):
        """Whether the container's own process ran at all."""
        return self.facts.started

    def __str__(self):
        return (
            f"exit {self.status}\n--- stdout\n{self.stdout.decode('utf-8', 'backslashreplace')}\n"
            f"--- stderr\n{self.stderr}\n--- log\n{self.log}"
        )


def execute(argv, stdin=b"", env=None, cwd=None):
    """Runs a program to its end."""
    done = subprocess.run(
        [str(word) for word in argv],
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT,
        env=env,
        cwd=cwd,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr.decode("utf-8", "backslashreplace"))


def must(argv, **options):
    """The same for a step that is no part of what is tested."""
    result = execute(argv, **options)
    assert result.status == 0, f"{argv}: {result}"
    return result
