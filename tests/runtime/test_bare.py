"""crun and runc by hand, through the wrapper: as root and as a plain user."""

import json
import os
import subprocess
import uuid

import pytest
from expectations import has_environment, look, prepared, probe, untouched

from kit import traces
from kit.bare import Bare
from kit.checks import started
from kit.engine import execute, must
from kit.probe import Facts

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(params=("runc", "crun"))
def bare(request, room, log, programs):
    return Bare(request.param, log, room / "bundles", programs)


def words(bare, wrappers, *command):
    return [wrappers[bare.runtime], *bare.global_options(), *command]


def run(bare, wrappers, request):
    bundle = bare.bundle(request, None)
    name = f"run-{uuid.uuid4().hex[:12]}"
    return execute(words(bare, wrappers, "run", "--bundle", bundle, name))


def end(bare, wrappers, name):
    """crun's `delete --force` doesn't wait for the process that it kills: poststop may see it."""
    must(words(bare, wrappers, "kill", name, "KILL"))

    def status():
        return json.loads(must(words(bare, wrappers, "state", name)).stdout)["status"]

    assert traces.settled(status, "stopped") == "stopped"
    must(words(bare, wrappers, "delete", name))


def test_opted_in(bare, wrappers, ask):
    prepared(started(run(bare, wrappers, ask(probe().script()))))


def test_opted_in_by_environment(bare, wrappers, ask):
    request = ask(probe().script(), annotations={}, env={"OCI_CNB_ROLE": "dev"})
    prepared(started(run(bare, wrappers, request)))


def test_not_opted_in(bare, wrappers, ask):
    untouched(started(run(bare, wrappers, ask(look().script(), annotations={}))))


def test_exec_with_and_without_a_document(bare, wrappers, ask, room):
    bundle = bare.bundle(ask("", command=("sleep", "1000")), None)
    name = f"exec-{uuid.uuid4().hex[:12]}"
    with open(os.devnull, "r+b") as null:
        made = words(bare, wrappers, "run", "--detach", "--bundle", bundle, name)
        subprocess.run(made, check=True, stdin=null, stdout=null, stderr=null)
    try:
        script = look().script()
        plain = must(words(bare, wrappers, "exec", name, "sh", "-c", script))
        has_environment(Facts(plain.stdout))
        more = must(words(bare, wrappers, "exec", "--env", "PATH=/bin", "--env",
                          "CNB_APP_DIR=/x", name, "sh", "-c", script))
        facts = Facts(more.stdout)
        assert facts.cwd == "/workspace"
        assert facts.env["CNB_APP_DIR"] == "/x"
        assert facts.env["CNB_LAYERS_DIR"] == "/layers"
        chosen = must(words(bare, wrappers, "exec", "--cwd", "/tmp", name, "pwd"))
        assert chosen.stdout == b"/tmp\n"
        process = json.loads((bundle / "config.json").read_text())["process"]
        process |= {"cwd": "/", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
        path = room / f"{name}.json"
        path.write_text(json.dumps(process))
        by_document = must(words(bare, wrappers, "exec", "--process", path, name))
        has_environment(Facts(by_document.stdout))
    finally:
        end(bare, wrappers, name)
