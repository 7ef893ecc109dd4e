"""Docker Engine, whose containers have no hooks and, in older versions, no annotations."""

import pytest
from expectations import has_environment, look, prepared, probe, untouched

from kit.checks import started
from kit.engine import DEV, must
from kit.probe import Facts

pytestmark = [pytest.mark.rootful, pytest.mark.usefixtures("nothing_left")]
RUNTIMES = ("cnb", "cnb-crun")


@pytest.fixture(params=("environment", "annotation"))
def by(request, docker):
    if request.param == "annotation" and not docker.has_annotations():
        # This Docker has no such option; that it refuses is what makes the other way needed.
        refusal = docker.call("run", "--annotation", "a=b", "x")
        assert "unknown flag: --annotation" in refusal.stderr
        return "environment"
    return request.param


@pytest.fixture
def running(docker):
    """running(request, by): a container in the background; gives its id."""
    ids = []

    def start(request, by, runtime="cnb"):
        result = docker.call("run", "--detach", *docker.options(request, runtime, by))
        assert result.status == 0, result
        ids.append(result.stdout.decode().strip())
        return ids[-1]

    yield start
    for container in ids:
        must(docker.command("rm", "--force", container))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_opted_in(docker, ask, by, runtime):
    prepared(started(docker.run(ask(probe().script()), by, runtime)))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_not_opted_in(docker, ask, runtime):
    untouched(started(docker.run(ask(look().script(), annotations={}), "environment", runtime)))


def test_exec(docker, ask, running, by):
    """The environment and the working directory are in exec too, but for one that is chosen."""
    container = running(ask("", command=("sleep", "1000")), by)
    script = probe().script()
    prepared(Facts(must(docker.command("exec", container, "sh", "-c", script)).stdout))
    chosen = must(docker.command("exec", "--workdir", "/tmp", "--env", "CNB_PLATFORM_API=0.9",
                                 container, "sh", "-c", look().script()))
    facts = Facts(chosen.stdout)
    assert facts.cwd == "/tmp"
    assert facts.env["CNB_PLATFORM_API"] == "0.9"
    assert facts.env["CNB_APP_DIR"] == "/workspace"


def test_exec_where_the_image_has_a_working_directory(docker, ask, running):
    """It is the default that gives way, and / that is chosen."""
    request = ask("", command=("sleep", "1000"), options=("--workdir", "/usr"))
    container = running(request, "environment")
    script = look().script()
    has_environment(Facts(must(docker.command("exec", container, "sh", "-c", script)).stdout))
    chosen = must(docker.command("exec", "--workdir", "/", container, "sh", "-c", script))
    assert Facts(chosen.stdout).cwd == "/"


def test_exec_of_another_container(docker, ask, running):
    container = running(ask("", command=("sleep", "1000"), annotations={}), "environment")
    script = look().script()
    untouched(Facts(must(docker.command("exec", container, "sh", "-c", script)).stdout))


def test_started_again(docker, ask, running):
    """config.json is made anew, and adjusted anew."""
    container = running(ask("", command=("sleep", "1000")), "environment")
    must(docker.command("restart", "--time", "0", container))
    script = probe().script()
    prepared(Facts(must(docker.command("exec", container, "sh", "-c", script)).stdout))


def test_other_annotations_as_variables(docker, ask):
    annotations = {**DEV, "io.cnb.hooks.workspace": "readonly", "io.cnb.hooks.scratch": "tmpfs:8m"}
    facts = started(docker.run(ask(probe().script(), annotations=annotations), "environment"))
    assert facts.status("writes") != 0
    has_environment(facts)


def test_an_empty_role_is_none(docker, ask):
    request = ask(look().script(), annotations={}, env={"OCI_CNB_ROLE": ""})
    untouched(started(docker.run(request, "environment")))


@pytest.mark.parametrize(
    "role, told",
    [("def", 'bad value "def"; annotation "io.cnb.hooks.role"'), ("build", "no /cnb/lifecycle")],
    ids=["by us", "by the mount hook"],
)
def test_docker_tells_why(docker, ask, role, told):
    """The reason is in what Docker says, not only in a log."""
    result = docker.run(ask("", annotations={"io.cnb.hooks.role": role}), "environment")
    assert result.status == 125
    assert not result.started
    assert told in result.stderr


def test_exit_code_and_output_go_through(docker, ask):
    result = docker.run(ask("echo out; echo err >&2; exit 42"), "environment")
    assert (result.status, result.stdout, result.stderr) == (42, b"out\n", "err\n")
