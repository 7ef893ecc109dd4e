"""The lifecycle as a platform runs it: one creator, or five phases in five containers."""

import dataclasses
import os
import pathlib
import tempfile

import builder
from images import Image
from kit import source as tree
from kit.engine import Mount, Request, Result
from kit.hooks import Hooks

PROGRAMS = "/cnb/lifecycle/"
IMAGE = "localhost/app"
LAYOUT = ("-layout", "-layout-dir=/layout")
# What the hooks would have set, for containers without them.
PLAIN_ENV = {"CNB_PLATFORM_API": "0.12", "CNB_EXPERIMENTAL_MODE": "warn"}


def process_of(engine, uid):
    """What to ask an engine for, so that the process has this uid and can write its source."""
    if os.geteuid() != 0 and engine.kind == "podman" and uid != 0:
        return {"options": (f"--userns=keep-id:uid={uid},gid={uid}",)}
    return {"user": f"{uid}:{uid}"}


@dataclasses.dataclass
class Build:
    """Builds of one source to one image. hooks: None for a container like any other."""

    engine: object
    hooks: Hooks | None
    uid: int
    source: str
    layout: pathlib.Path

    def container(self, role, image, command, env, session=None, **fields) -> Result:
        annotations = {}
        if self.hooks:
            annotations["io.cnb.hooks.role"] = role
        if session:
            annotations["io.cnb.hooks.session"] = session
        fields = {"source": None, **fields, **process_of(self.engine, self.uid)}
        request = Request("", annotations=annotations, image=image, command=command, env=env,
                          **fields)
        return self.engine.run(request, self.hooks)

    def run(self, role, program, *arguments, session=None, env=None) -> Result:
        """One container of the build."""
        if env is None:
            env = {} if self.hooks else PLAIN_ENV
        mounts = (Mount(str(self.layout), "/layout"),)
        command = (PROGRAMS + program, *arguments)
        return self.container(role, builder.BUILDER, command, env, session,
                              source=self.source, mounts=mounts)

    def ids(self):
        return (f"-uid={self.uid}", f"-gid={self.uid}")

    def creator(self) -> Image:
        arguments = (*LAYOUT, *self.ids(), "-run-image=localhost/run", "-log-level=debug", IMAGE)
        said(self.run("build", "creator", *arguments), "detect: the workspace is writable")
        return Image(self.layout, "app")

    def phases(self, session) -> Image:
        """As pack, kpack and Tekton do it."""
        ids = self.ids()
        said(self.run("build", "analyzer", *LAYOUT, *ids, "-run-image=localhost/run", IMAGE,
                      session=session))
        said(
            self.run("detect", "detector", "-log-level=debug", session=session),
            "detect: the workspace is read-only",
        )
        said(self.run("build", "restorer", *LAYOUT, *ids, session=session))
        said(self.run("build", "builder", session=session))
        said(self.run("build", "exporter", *LAYOUT, *ids, IMAGE, session=session))
        return Image(self.layout, "app")


def said(result, *words):
    assert result.status == 0, str(result)
    for word in words:
        assert word.encode() in result.stdout, f"{word!r} is missing: {result}"


def new_layout(room, uid):
    """A layout directory with the run image, that uid may write."""
    layout = builder.run_image(pathlib.Path(tempfile.mkdtemp(prefix="layout-", dir=room)))
    layout.chmod(0o755)
    own(layout, uid)
    return layout


def own(directory, uid):
    """As root: everything below belongs to uid. A plain user's is his."""
    tree.settle(str(directory), uid if os.geteuid() == 0 else None)
