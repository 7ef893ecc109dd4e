"""`oci-cnb spec validate` on what Docker and containerd write: no rule cries wolf."""

import itertools
import uuid

import pytest

from kit import oci_image
from kit.engine import execute, must
from kit.pod import Pod, Volume, user_namespace
from kit.validate import report, sound

pytestmark = [pytest.mark.rootful, pytest.mark.usefixtures("nothing_left")]
_counter = itertools.count()

TMP = ("mount-tmp",)
# name: (options, rules that warn). Docker's own tmpfs are noexec; nothing can be written to the /tmp
# of a read-only root; and that is worth a word.
DOCKER = {
    "plain": ((), ()),
    "privileged": (("--privileged",), ()),
    "read-only": (("--read-only",), TMP),
    "terminal": (("--tty",), ()),
    "another user": (("--user", "1001:1001"), ()),
    "host's namespaces": (("--pid=host", "--ipc=host", "--uts=host"), ()),
    "own /tmp and /dev/shm": (("--tmpfs=/tmp:rw,size=8m", "--shm-size=8m"), TMP),
    "programs in /tmp": (("--tmpfs=/tmp:rw,exec,mode=1777",), ()),
    "volumes above and below": (("--volume=/usr:/workspace/docs:ro", "--tmpfs=/layers"), ()),
}
CTR = {
    "plain": ((), ()),
    "privileged": (("--privileged",), ()),
    "read-only": (("--read-only",), TMP),
    "host's network": (("--net-host",), ()),
}


def by_name(variants):
    return pytest.mark.parametrize("options, warnings", variants.values(), ids=variants.keys())


def document(containerd, container):
    """config.json of a container that runs."""
    tasks = containerd.directory / "state/io.containerd.runtime.v2.task/k8s.io"
    return (tasks / container / "config.json").read_bytes()


@by_name(DOCKER)
def test_docker(docker, recorder, programs, source, options, warnings):
    # Docker 20.10 gives a privileged container all capabilities, which root of a sandbox may lack:
    # whether it starts is no matter here.
    execute(docker.command("run", "--rm", "--runtime=recorder", "--network=none", "--volume",
                           f"{source}:/workspace", *options, docker.image("basic"), "true"))
    sound(programs, recorder.take(), warnings)


@pytest.mark.parametrize("privileged", (False, True), ids=("plain", "privileged"))
def test_pod(containerd, programs, source, privileged):
    with Pod(containerd, annotations={}, privileged=privileged) as pod:
        volumes = (Volume(source, "/workspace"),)
        for fields, warnings in (({}, ()), ({"readonly": True}, TMP), ({"user": 1001}, ())):
            container = pod.start("sleep 1000", name=f"c{next(_counter)}", volumes=volumes, **fields)
            sound(programs, document(containerd, container.id), warnings)
        status, told = report(programs, document(containerd, pod.id))
        assert (status, told["findings"]) == (0, []), told


class Unmapped(Volume):
    """With the host's ids: containerd 1.7 maps none."""

    def message(self, mappings=()):
        return super().message()


def test_pod_with_user_namespace(containerd, programs, source):
    """containerd 1.6 doesn't know of it, and makes a pod like any other."""
    with Pod(containerd, annotations={}, user_namespace=user_namespace()) as pod:
        container = pod.start("sleep 1000", volumes=(Unmapped(source, "/workspace"),))
        sound(programs, document(containerd, container.id))


@by_name(CTR)
def test_ctr(containerd, programs, source, options, warnings):
    name = f"ctr-{uuid.uuid4()}"  # its cgroup's too, which tests in other worlds must not share
    ctr = ["ctr", "--address", containerd.socket, "--namespace", "k8s.io"]
    mount = f"type=bind,src={source},dst=/workspace,options=rbind:rw"
    must([*ctr, "run", "--detach", "--mount", mount, *options, oci_image.name("basic"), name,
          "sleep", "1000"])
    try:
        sound(programs, document(containerd, name), warnings)
    finally:
        must([*ctr, "task", "delete", "--force", name])
        must([*ctr, "container", "delete", name])
