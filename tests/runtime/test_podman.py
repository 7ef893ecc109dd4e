"""`podman --runtime` and `buildah --runtime`, rootful and rootless."""

import pytest
from expectations import has_environment, look, prepared, probe, untouched

from kit.checks import started
from kit.docker import opted_in_by_variables
from kit.engine import DEV, execute, must
from kit.podman import Podman
from kit.probe import Facts

pytestmark = pytest.mark.usefixtures("podman_ready", "nothing_left")


@pytest.fixture(params=("runc", "crun"))
def podman(request, wrappers, log):
    return Podman(str(wrappers[request.param]), log)


def test_opted_in(podman, ask):
    prepared(started(podman.run(ask(probe().script()), None)))


def test_opted_in_by_environment(podman, ask):
    request = ask(probe().script(), annotations={}, env=opted_in_by_variables(DEV))
    prepared(started(podman.run(request, None)))


def test_not_opted_in(podman, ask):
    untouched(started(podman.run(ask(look().script(), annotations={}), None)))


def test_exec(podman, ask):
    """What podman's own hooks can't do."""
    request = ask("", command=("sleep", "1000"))
    name = podman.call(None, "run", "--detach", *podman.create_options(request))
    assert name.status == 0, name
    container = name.stdout.decode().strip()
    try:
        script = probe().script()
        prepared(Facts(must(podman.command(None, "exec", container, "sh", "-c", script)).stdout))
        chosen = must(podman.command(None, "exec", "--workdir", "/tmp", container, "pwd"))
        assert chosen.stdout == b"/tmp\n"
        must(podman.command(None, "restart", "--time", "0", container))
        again = must(podman.command(None, "exec", container, "sh", "-c",
                                    look().script()))
        has_environment(Facts(again.stdout))
        assert b"out" in Facts(again.stdout).paths(), "the upper is found again"
    finally:
        must(podman.command(None, "rm", "--force", "--time", "0", container))
    # podman doesn't tell of a removal: the next container's hook collects the scratch.
    started(podman.run(ask(look().script()), None))


def test_podman_tells_why(podman, ask):
    result = podman.run(ask("", annotations={"io.cnb.hooks.role": "def"}), None)
    assert result.status != 0 and not result.started
    assert 'bad value "def"; annotation "io.cnb.hooks.role"' in result.stderr


@pytest.mark.parametrize("runtime", ("runc", "crun"))
def test_buildah(wrappers, runtime, source):
    """buildah hands no annotation on: the variable is the way."""
    Podman.image("basic")
    made = must(["buildah", "from", "--pull-never", "localhost/basic"])
    container = made.stdout.decode().strip()
    words = ["buildah", "run", "--runtime", wrappers[runtime], "--network", "none",
             "--volume", f"{source}:/workspace"]
    try:
        opted_in = execute([*words, "--env", "OCI_CNB_ROLE=dev", container, "--", "sh", "-c",
                            probe().script()])
        prepared(started(opted_in))
        other = execute([*words, container, "--", "sh", "-c", look().script()])
        untouched(started(other))
    finally:
        must(["buildah", "rm", container])
