"""The runtime handler alone, without NRI: what containerd 1.6 can do, and every later one too."""

import concurrent.futures
import os
import signal

import pytest

from kit import source as tree
from kit import traces
from kit.checks import overlay_at
from kit.engine import must
from kit.pod import DEV, Refused, Volume
from kit.probe import Probe, wait_for

VISIBLE = sorted(tree.visible_paths())
MASKED = sorted(tree.masked_paths())


def refusal(log, code, call):
    """call doesn't get its container; the line that says why. crun shows but a number."""
    position = log.position()
    with pytest.raises(Refused):
        call()
    lines = [line for line in log.since(position).splitlines() if f" error {code}: " in line]
    assert len(lines) == 1, log.since(position)
    return lines[0]


def start(pod, script, **fields):
    """create and start: runc calls createRuntime at creation, which containerd does at start."""
    return lambda: pod.start(script, **fields)


def test_a_pod_that_opted_in(make_pod, workspace):
    """Everything that role=dev promises, seen from inside."""
    probe = Probe().basics().tree().lookup(VISIBLE + MASKED)
    probe.add("writes", "cd /workspace && echo x > new && rm README.md && mkdir node_modules")
    probe.add("layers", "touch /layers/x && ls -d /platform")
    facts = make_pod().run(probe.script(), volumes=[workspace])
    mount = overlay_at(facts)
    assert "rw" in mount.options
    below = [m for m in facts.mounts() if m.target == "/workspace" and m.type != mount.type]
    assert all("ro" in other.options for other in below), f"writable below the overlay: {below}"
    assert facts.paths() == tree.visible_paths()
    assert facts.found(VISIBLE + MASKED) == set(VISIBLE)
    assert facts.cwd == "/workspace"
    assert facts.env["CNB_PLATFORM_API"] == "0.12"
    assert facts.env["CNB_APP_DIR"] == "/workspace"
    assert facts.env["CNB_LAYERS_DIR"] == "/layers"
    assert "CNB_EXPERIMENTAL_MODE" not in facts.env
    assert facts.status("writes") == 0 and facts.status("layers") == 0


@pytest.mark.parametrize("handler", ["cnb", "runc"])
def test_a_pod_that_did_not_opt_in(make_pod, workspace, handler):
    """Its own mount, everything visible. The handler's cwd and environment are defaults only."""
    probe = Probe().basics().tree()
    facts = make_pod({}, handler).run(probe.script(), volumes=[workspace], working_dir="/tmp")
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert facts.cwd == "/tmp"
    assert ("CNB_APP_DIR" in facts.env) == (handler == "cnb")


def test_annotations_without_the_handler_do_nothing(make_pod, workspace):
    facts = make_pod(DEV, "runc").run(Probe().basics().script(), volumes=[workspace])
    assert facts.mount("/workspace").type != "overlay"
    assert facts.cwd == "/"


def test_exec_sees_the_same(make_pod, workspace):
    """kubectl exec: workspace, cwd and environment, which come from the container's document."""
    container = make_pod().start("exec sleep 1000", volumes=[workspace])
    code, output = container.exec("sh", "-c", "pwd; echo $CNB_PLATFORM_API; ls -d .git; ls README.md")
    assert output.split() == ["/workspace", "0.12", "README.md"]
    assert code == 0


def test_values_of_image_and_pod_win(make_pod, workspace):
    env = {"CNB_PLATFORM_API": "0.9"}
    facts = make_pod().run(Probe().basics().script(), volumes=[workspace], env=env)
    assert facts.env["CNB_PLATFORM_API"] == "0.9"


@pytest.mark.parametrize(
    "code, fragment, annotations, fields",
    [
        ("annotation", '"io.cnb.hooks.rol"; did you mean', {"io.cnb.hooks.rol": "dev"}, {}),
        ("annotation", "role", {"io.cnb.hooks.role": "/etc"}, {}),
        ("annotation", "ignore-file", {**DEV, "io.cnb.hooks.ignore-file": "/etc/shadow"}, {}),
        ("annotation", "workspace-path", {**DEV, "io.cnb.hooks.workspace-path": "../../etc"}, {}),
        ("annotation", "scratch", {**DEV, "io.cnb.hooks.scratch": "/etc"}, {}),
        ("environment", "workingDir: /workspace", DEV, {"working_dir": "/tmp"}),
        ("environment", "give the pod's container env: [{name: CNB_PLATFORM_API, value: \"0.12\"}]",
         DEV, {"env": {"CNB_PLATFORM_API": "x"}}),
        ("environment", "CNB_EXPERIMENTAL_MODE", {"io.cnb.hooks.role": "build"}, {}),
        ("layout", "/cnb/lifecycle", {"io.cnb.hooks.role": "detect"},
         {"env": {"CNB_EXPERIMENTAL_MODE": "warn"}}),
    ],
)
def test_refused(make_pod, workspace, log, code, fragment, annotations, fields):
    """A pod's author who is wrong, or who tries something: no container, and a line that says why."""
    pod = make_pod(annotations)
    line = refusal(log, code, start(pod, "true", volumes=[workspace], **fields))
    assert fragment in line


def test_no_source(make_pod, log):
    line = refusal(log, "source", start(make_pod(), "true"))
    assert "give the pod's container a volumeMount with mountPath: /workspace" in line


def test_a_build_role(make_pod, workspace):
    """With a builder's image; without NRI the pod sets the mode itself."""
    probe = Probe().basics().add("lifecycle", "/cnb/lifecycle/creator; cat /platform/env/FROM_IMAGE")
    facts = make_pod({"io.cnb.hooks.role": "build"}).run(
        probe.script(),
        image="builder",
        volumes=[workspace],
        working_dir="/workspace",
        env={"CNB_EXPERIMENTAL_MODE": "warn"},
    )
    overlay_at(facts)
    assert facts.text("lifecycle") == "creator-ran\nyes"


def test_annotations_of_one_container(make_pod, workspace):
    """NAME/container.CONTAINER wins over NAME/pod, and containers without a role are left alone."""
    annotations = {
        "io.cnb.hooks.role/container.app": "dev",
        "io.cnb.hooks.workspace/pod": "overlay",
        "io.cnb.hooks.workspace/container.app": "readonly",
    }
    pod = make_pod(annotations)
    probe = Probe().basics().add("write", "touch /workspace/x")
    app = pod.run(probe.script(), name="app", volumes=[workspace])
    assert "ro" in overlay_at(app).options
    assert app.status("write") != 0
    other = pod.run(Probe().basics().script(), name="other", volumes=[workspace], working_dir="/")
    assert other.mount("/workspace").type != "overlay"


def test_a_volume_that_is_read_only_stays_so(make_pod, source):
    probe = Probe().basics().tree().add("write", "touch /workspace/x")
    probe.add("remount", "mount -o remount,rw /workspace; umount /workspace; touch /workspace/x")
    facts = make_pod().run(probe.script(), volumes=[Volume(source, "/workspace", readonly=True)])
    assert "ro" in overlay_at(facts).options
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") != 0 and facts.status("remount") != 0


def test_nested_volumes(make_pod, workspace, make_source):
    """What kubelet mounts below the workspace stays on top of it: a cache, a subPath, one file."""
    extra = make_source(fill=lambda path: open(os.path.join(path, "file"), "w").close())
    volumes = [
        workspace,
        Volume(extra, "/workspace/node_modules"),
        Volume(extra, "/workspace/src/deep", readonly=True),
        Volume(os.path.join(extra, "file"), "/workspace/README.md", readonly=True),
    ]
    probe = Probe().basics().add("ls", "ls /workspace/node_modules /workspace/src/deep")
    probe.add("cache", "echo x > /workspace/node_modules/x && rm /workspace/node_modules/x")
    probe.add("ro", "touch /workspace/src/deep/x || echo x > /workspace/README.md")
    facts = make_pod().run(probe.script(), volumes=volumes)
    overlay_at(facts)
    assert facts.text("ls").count("file") == 2
    assert facts.status("cache") == 0 and facts.status("ro") != 0
    tree.settle(extra)


def test_a_container_that_is_restarted(make_pod, workspace):
    """As the kubelet does: a new container of the same name, with the next attempt."""
    pod = make_pod()
    for attempt in range(3):
        container = pod.start("cat /workspace/README.md && exit 3", attempt=attempt, volumes=[workspace])
        assert container.wait() == 3
        assert container.output() == b"# example\n"
        container.remove()


def test_links_in_a_volume_that_another_container_writes(make_pod, make_source, log):
    """A shared volume whose author wants our hook to read or mask the host's files."""

    def fill(path):
        os.makedirs(os.path.join(path, "app"))
        os.symlink("/etc/shadow", os.path.join(path, "app/.dockerignore"))
        os.symlink("../../../../etc", os.path.join(path, "app/up"))

    shared = make_source(fill=fill)
    # As a subPath: the link leads out of the source, where there is nothing to read rules from.
    volumes = [Volume(os.path.join(shared, "app"), "/workspace")]
    probe = Probe().basics().tree()
    position = log.position()
    try:
        facts = make_pod().run(probe.script(), volumes=volumes)
    except Refused:
        assert " error ignore-file: " in log.since(position)
    else:
        assert facts.paths() == {b".dockerignore", b"up"}
    assert "root:" not in log.since(position)


def test_an_image_whose_workspace_is_a_link(make_pod, tmp_path, log):
    """/workspace -> /etc: containerd mounts the volume there, and would hide its own files below.

    The runtime makes their mount points in the volume before any hook is called: a source for this
    test alone.
    """
    source = tree.make(tmp_path / "linked")
    before = sorted(os.listdir("/etc"))
    volumes = [Volume(source, "/workspace")]
    refusal(log, "layout", start(make_pod(), "true", image="link-to-etc", volumes=volumes))
    assert sorted(os.listdir("/etc")) == before


def test_an_image_that_steers(make_pod, workspace):
    """LD_PRELOAD of the image reaches no hook."""
    facts = make_pod().run(Probe().basics().tree().script(), image="hostile", volumes=[workspace])
    assert facts.paths() == tree.visible_paths()


def test_an_image_cannot_opt_in(make_pod, workspace):
    facts = make_pod({}).run(Probe().basics().script(), image="hostile", volumes=[workspace],
                             working_dir="/")
    assert facts.mount("/workspace").type != "overlay"


def test_a_source_of_another_owner(make_pod, make_source):
    """runAsUser 1001, and a volume of 1001: the process writes, the overlay shows its own id."""
    path = make_source(uid=1001)
    probe = Probe().basics().add("write", "touch /workspace/x && stat -c %u /workspace/README.md")
    facts = make_pod().run(probe.script(), user=1001, volumes=[Volume(path, "/workspace")])
    assert facts.status("write") == 0
    assert facts.text("write") == "1001"


def test_two_containers_at_once(make_pod, workspace):
    """Both see the source and can write."""
    pod = make_pod()
    first = pod.start(f"touch /workspace/first; {wait_for('[ -e /tmp/stop ]')}", name="first",
                      volumes=[workspace])
    second = pod.start("touch /workspace/second; exec sleep 1000", name="second", volumes=[workspace])
    assert second.exec("ls", "/workspace/src/main.c")[0] == 0
    assert first.exec("touch", "/tmp/stop")[0] == 0
    assert first.wait() == 0
    assert second.exec("ls", "/workspace/second")[0] == 0


def test_fifty_pods_at_once(node, make_pod, make_source):
    """Each with its own workspace over one source."""
    volumes = [Volume(make_source(), "/workspace")]
    probe = Probe().basics().add("write", "echo $$ > /workspace/own && ls /workspace/own")

    def one(_):
        pod = make_pod()
        facts = pod.run(probe.script(), volumes=volumes)
        return overlay_at(facts) and facts.status("write")

    with concurrent.futures.ThreadPoolExecutor(10) as workers:
        assert list(workers.map(one, range(50))) == [0] * 50


def test_containerd_restarted_under_a_running_pod(node, make_pod, workspace):
    """The pod runs on; what it writes is its own; it is removed as ever."""
    pod = make_pod()
    container = pod.start("echo a > /workspace/a; exec sleep 1000", volumes=[workspace])
    node.kill()
    node.start()
    assert container.exec("cat", "/workspace/a") == (0, "a\n")
    facts = pod.run(Probe().basics().script(), name="later", volumes=[workspace])
    overlay_at(facts)


def test_everything_killed(node, make_pod, workspace, programs):
    """containerd and shim die at once, nobody calls poststop: the next container's hook, or
    `session gc`, takes the scratch away, and no mount of it is left."""
    pod = make_pod()
    pod.start("echo a > /workspace/a; exec sleep 1000", volumes=[workspace])
    assert traces.sessions() != []
    node.kill()
    for pid in node.shims():
        os.kill(pid, signal.SIGKILL)
    # The shim was the reaper and the container's parent; the kubelet would find it and kill it.
    for line in traces.processes():
        if "sleep 1000" in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)
    node.start()
    pod.remove()
    must([programs["oci-cnb"], "session", "gc"])
