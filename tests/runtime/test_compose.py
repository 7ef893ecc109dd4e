"""examples/compose under Docker, by docker-compose as it is packaged."""

import os
import shutil

import pytest

from kit import traces
from kit.engine import execute, must
from kit.fixtures import CHECKOUT

PROGRAM = "/usr/bin/docker-compose"
# In a tree that has engines only, this isn't part of the run.
pytestmark = [pytest.mark.rootful, pytest.mark.usefixtures("nothing_left"), pytest.mark.build_machine]


@pytest.fixture
def project(room):
    path = room / "compose"
    path.mkdir()
    (path / ".dockerignore").write_text("secret\ncompose.yaml\n")
    (path / "main.c").write_text("int main;\n")
    (path / "secret").write_text("s\n")
    shutil.copy(CHECKOUT / "examples/compose/compose.yaml", path)
    yield path
    shutil.rmtree(path)


def test_two_services_over_one_source(docker, project, programs):
    words = docker.command()
    env = {**os.environ, "DOCKER_HOST": words[words.index("--host") + 1],
           "IMAGE": docker.image("basic"), "HOME": str(docker.directory)}

    def compose(*words):
        return execute([PROGRAM, "--file", "compose.yaml", "--no-ansi", *words], env=env, cwd=project)

    try:
        up = compose("up", "--no-color")
        told = up.stdout.decode()
        assert up.status == 0, str(up)
        assert "writer_1  | .dockerignore\n" in told and "writer_1  | main.c\n" in told, str(up)
        assert "secret" not in told, str(up)
        assert "reader_1  | written\n" in told, str(up)
    finally:
        compose("down")
        must([programs["oci-cnb"], "session", "rm", "n-compose-example"])
    assert sorted(path.name for path in project.iterdir()) == [
        ".dockerignore", "compose.yaml", "main.c", "secret"]
    assert traces.settled(traces.sessions, []) == []
