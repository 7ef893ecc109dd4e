"""containerd through a handler's BinaryName, as pods and by `ctr run`."""

import re
import uuid

import pytest
from expectations import has_environment, look, prepared, probe, untouched

from kit import oci_image
from kit.checks import started
from kit.containerd import Containerd
from kit.heard import heard
from kit.engine import execute, must
from kit.fixtures import CHECKOUT
from kit.pod import Pod, Refused, Volume
from kit.probe import Facts, Probe

LAST_WORDS = "@@that was all"
pytestmark = [pytest.mark.rootful, pytest.mark.usefixtures("pods_end")]


@pytest.fixture(params=("runc", "crun"))
def handler(request):
    return request.param


def over(source):
    return (Volume(source, "/workspace"),)


def test_pod(containerd, handler, source):
    """The pod's annotation opts its container in, and not its sandbox, which has it too."""
    with Pod(containerd, handler=handler) as pod:
        prepared(pod.run(probe().script(), volumes=over(source)))
        container = pod.start("sleep 1000", name="second", volumes=over(source))
        status, output = container.exec("sh", "-c", Probe().basics().script())
        assert status == 0
        has_environment(Facts(output.encode()))


def test_the_handler_of_readme(room, wrapper, source):
    """The block of README, put into a configuration as it says."""
    (block,) = re.findall(r"^```toml\n(.*?)^```$", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    named, newer = re.search(r'plugins\."(\S+)".*# containerd 2: (\S+)$', block, re.MULTILINE).groups()
    engine = Containerd(room / "readme").configure()
    block = block.replace("/usr/bin/oci-cnb-runtime", str(wrapper))
    if engine.version >= (2, 0):
        block = block.replace(named, newer)
    with open(engine.config, "a", encoding="utf-8") as file:
        file.write(block)
    engine.start()
    try:
        engine.load("pause", "basic")
        with Pod(engine, handler="cnb") as pod:
            prepared(pod.run(probe().script(), volumes=over(source)))
        with Pod(engine, annotations={}, handler="cnb") as pod:
            untouched(pod.run(look().script(), volumes=over(source)))
    finally:
        engine.sweep()
        engine.stop()


def test_pod_not_opted_in(containerd, handler, source):
    with Pod(containerd, annotations={}, handler=handler) as pod:
        untouched(pod.run(look().script(), volumes=over(source)))


def test_one_container_of_a_pod(containerd, handler, source):
    annotations = {"io.cnb.hooks.role/container.main": "dev"}
    with Pod(containerd, annotations=annotations, handler=handler) as pod:
        prepared(pod.run(probe().script(), volumes=over(source)))
        untouched(pod.run(look().script(), name="other", volumes=over(source)))


def test_by_environment(containerd, handler, source):
    with Pod(containerd, annotations={}, handler=handler) as pod:
        facts = pod.run(probe().script(), env={"OCI_CNB_ROLE": "dev"}, volumes=over(source))
        prepared(facts)


def test_the_kubelet_is_told_why(containerd, handler, source):
    with Pod(containerd, annotations={"io.cnb.hooks.rol": "dev"}, handler=handler) as pod:
        with pytest.raises(Refused, match='unknown annotation "io.cnb.hooks.rol"; did you mean'):
            pod.start("true", volumes=over(source))


def new_name():
    """It is the name of the cgroup, too, and tests in other worlds see the same cgroups."""
    return f"ctr-{uuid.uuid4()}"


def ctr(containerd, *words):
    return ["ctr", "--address", containerd.socket, "--namespace", "k8s.io", *words]


def ctr_run(containerd, wrapper, source, script, *options):
    mount = f"type=bind,src={source},dst=/workspace,options=rbind:rw"

    def run():
        return execute(ctr(containerd, "run", "--rm", "--runtime", "io.containerd.runc.v2",
                           "--runc-binary", wrapper, "--mount", mount, *options,
                           oci_image.name("basic"), new_name(), "sh", "-c", f"{script}\necho '{LAST_WORDS}'"))

    return heard(run, lambda result: result.status == 0 and LAST_WORDS.encode() not in result.stdout)


def test_ctr_run(containerd, handler, wrappers, source):
    opted_in = ctr_run(containerd, wrappers[handler], source, probe().script(),
                       "--annotation", "io.cnb.hooks.role=dev")
    prepared(started(opted_in))
    other = ctr_run(containerd, wrappers[handler], source, look().script())
    untouched(started(other))


def test_ctr_exec(containerd, handler, wrappers, source):
    name = new_name()
    mount = f"type=bind,src={source},dst=/workspace,options=rbind:rw"
    must(ctr(containerd, "run", "--detach", "--runtime", "io.containerd.runc.v2",
             "--runc-binary", wrappers[handler], "--mount", mount,
             "--annotation", "io.cnb.hooks.role=dev", oci_image.name("basic"), name,
             "sleep", "1000"))
    try:
        result = must(ctr(containerd, "task", "exec", "--exec-id", "e", name, "sh", "-c",
                          look().script()))
        has_environment(Facts(result.stdout))
    finally:
        must(ctr(containerd, "task", "delete", "--force", name))
        must(ctr(containerd, "container", "delete", name))
