"""`oci-cnb run` and `oci-cnb spec generate`: real containers of crun and runc, without an engine."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

RUNTIMES = ("crun", "runc")
SCHEMA = pathlib.Path("/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema")
FACTS = "pwd; id -u; id -g; ls -A; echo \"$CNB_PLATFORM_API $CNB_APP_DIR $A\"; echo x > new; rm README.md"
VISIBLE = [".dockerignore", "README.md", "build", "src"]


@pytest.fixture
def configure():
    """configure(runtime): by config.toml, for the test."""
    folder = pathlib.Path(os.path.expanduser("~")) / ".config/oci-cnb-hooks"
    if os.geteuid() == 0:
        folder = pathlib.Path("/etc/oci-cnb-hooks")
    path = folder / "config.toml"

    def write(name):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f'runtime = "{name}"\n')
        path.chmod(0o644)

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture(params=RUNTIMES)
def runtime(request, configure):
    """The runtime, chosen by configuration."""
    configure(request.param)
    return request.param


def test_run_needs_no_engine_and_no_image(cnb, app, runtime):
    result = cnb.run("run", "--env", "A=b", "-e", "B=c=d", app, "--", "sh", "-c", f"{FACTS}; exit 7")
    assert result.returncode == 7, result.stderr
    assert result.stdout.splitlines() == ["/workspace", "0", "0", *VISIBLE, "0.12 /workspace b"]


def test_run_here_is_the_default(cnb, app):
    result = cnb.run("run", "--", "ls", cwd=app)
    assert (result.returncode, result.stdout.split()) == (0, VISIBLE[1:]), result.stderr


def test_run_keeps_the_host_out(cnb, app, runtime):
    script = "for p in /usr/x /bin/x /etc/x /x; do touch $p 2>/dev/null && echo $p; done; " \
             "cd; touch x /tmp/x /run/x /layers/x; ls /home; cat /proc/net/dev | wc -l; true"
    result = cnb.run("run", app, "--", "sh", "-c", script)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split()[:-1] == []
    assert int(result.stdout) == 3, "more than lo"


AS_ANOTHER = ("run", "--user", "1001:1002")
WRITES = ("--", "sh", "-c", "id -u; id -g; touch new")


@pytest.mark.rootful
def test_run_as_another_user(cnb, app, runtime):
    result = cnb.run(*AS_ANOTHER, app, *WRITES)
    assert (result.returncode, result.stdout.split()) == (0, ["1001", "1002"]), result.stderr


@pytest.mark.rootless
@pytest.mark.parametrize("chosen", [True, False], ids=["configured", "by itself"])
def test_a_plain_user_runs_as_another_with_crun(cnb, app, configure, chosen):
    """The id is mapped to the user's own, so that it can write."""
    if chosen:
        configure("crun")
    result = cnb.run(*AS_ANOTHER, app, *WRITES)
    assert (result.returncode, result.stdout.split()) == (0, ["1001", "1002"]), result.stderr


@pytest.mark.rootless
def test_a_plain_user_cant_run_as_another_with_runc(cnb, app, configure):
    configure("runc")
    result = cnb.run(*AS_ANOTHER, app, *WRITES)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "runc can't start another user than root" in result.stderr
    assert 'runtime = "crun"' in result.stderr


def test_run_with_a_terminal(cnb, app, runtime):
    """stdin and stdout are one in the container, too, and what is typed arrives."""
    ours, theirs = os.openpty()
    script = "tty; test -t 0 && test -t 1 && test -t 2 && echo all; read line; echo got $line; exit 6"
    process = subprocess.Popen(cnb.words("run", "--tty", app, "--", "sh", "-c", script),
                               stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"typed\n")
    told = b""
    try:
        while part := os.read(ours, 4096):
            told += part
    except OSError:
        pass  # EIO: nobody has the other end any more
    os.close(ours)
    assert process.wait(60) == 6, told
    assert b"/dev/pts/0\r\n" in told and b"all\r\n" in told and b"got typed\r\n" in told


@pytest.fixture
def lifecycle(tmp_path):
    """A directory for /cnb."""
    creator = tmp_path / "cnb/lifecycle/creator"
    creator.parent.mkdir(parents=True)
    creator.write_text("#!/bin/sh\necho created by $CNB_EXPERIMENTAL_MODE $CNB_LAYERS_DIR\n")
    creator.chmod(0o755)
    return tmp_path / "cnb"


@pytest.mark.parametrize("role", ["build", "detect"])
def test_run_in_a_build_role(cnb, app, runtime, lifecycle, role):
    script = "/cnb/lifecycle/creator; for p in /cnb/x /layers/x x; do touch $p 2>&- && echo $p; done; true"
    result = cnb.run("run", "--role", role, "--cnb", lifecycle, app, "--", "sh", "-c", script)
    written = ["/layers/x", "x"] if role == "build" else ["/layers/x"]
    assert (result.returncode, result.stdout.splitlines()) == (
        0, ["created by warn /layers", *written]), result.stderr
    assert sorted(path.name for path in lifecycle.rglob("*")) == ["creator", "lifecycle"]


def test_a_build_role_needs_a_lifecycle(cnb, app, runtime):
    result = cnb.run("run", "--role", "build", app, "--", "true")
    assert result.returncode != 0
    assert "no /cnb/lifecycle" in result.stderr + cnb.run("session", "log").stdout


def test_run_over_a_rootfs(cnb, app, runtime, tmp_path):
    rootfs = tmp_path / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), rootfs / "bin/busybox")
    (rootfs / "bin/sh").symlink_to("busybox")
    result = cnb.run("run", "--rootfs", rootfs, app, "--", "sh", "-c",
                     "busybox ls -A; busybox ls /usr 2>/dev/null")
    assert result.stdout.split() == VISIBLE, result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_run_passes_a_signal_on(cnb, app, runtime, number):
    script = f"trap 'echo ended; exit 5' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    process = cnb.start("run", app, "--", "sh", "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "ended\n"), err


def test_a_killed_run_is_swept_by_the_next(cnb, app, runtime):
    process = cnb.start("run", app, "--", "sh", "-c", "echo ready; while :; do sleep 0.05; done")
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait(30)
    assert len(list((cnb.store / "bundles").iterdir())) == 1
    assert cnb.run("run", app, "--", "true").returncode == 0
    cnb.run("session", "gc")
    process.communicate(timeout=60)


@pytest.mark.parametrize("by", ["run", "gc"])
def test_a_killed_run_in_a_session_loses_nothing(cnb, app, runtime, by):
    """The next run in it finds what was written; nothing else of the first is left."""
    script = "echo mine > written; echo ready; while :; do sleep 0.05; done"
    process = cnb.start("run", "--session", "kept", app, "--", "sh", "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait(60)
    if by == "gc":
        cnb.run("session", "gc")
    result = cnb.run("run", "--session", "kept", app, "--", "cat", "written")
    assert (result.returncode, result.stdout) == (0, "mine\n"), result.stderr
    process.communicate(timeout=60)
    assert not list((cnb.store / "bundles").iterdir())
    for name in cnb.left():
        removed = cnb.run("session", "rm", name)
        assert removed.returncode == 0, removed.stderr


@pytest.mark.parametrize(("words", "code", "line"), [
    (["run", "."], 2, "usage: no command; write it after --"),
    (["run", "/no/such", "--", "ls"], 3, 'source: open: No such file or directory; "/no/such"'),
    (["run", "--user", "me", "--", "ls"], 2, 'usage: not a user: "me"; --user'),
    (["run", "--env", "A", "--", "ls"], 2, 'usage: not a variable: "A"'),
    (["run", "--annotation", "x", "--", "ls"], 2, 'usage: not an annotation: "x"'),
    (["run", "--annotation", "io.cnb.hooks.rol=x", "--", "ls"], 3, "annotation: unknown annotation"),
    (["run", "-t", "--", "ls"], 2, "usage: standard input is no terminal"),
    (["run", "--cnb", "/no/such", "--", "ls"], 2, 'usage: open: No such file or directory; "/no/such"'),
    (["spec", "generate", "-o", "/no/such/x"], 2, 'usage: open: No such file or directory; "/no/such/"'),
])
def test_bad_usage_is_one_line(cnb, app, words, code, line):
    result = cnb.run(*words, cwd=app, stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stdout) == (code, "")
    assert len(result.stderr.splitlines()) == 1
    assert line in result.stderr


def test_no_runtime_is_one_line(cnb, app, configure):
    configure("no-such-runtime")
    result = cnb.run("run", app, "--", "true")
    assert result.returncode == 3, result.stderr
    assert len(result.stderr.splitlines()) == 1 and "no-such-runtime" in result.stderr


def bundle_of(app, tmp_path, cnb, *options):
    """A bundle over busybox with a generated document."""
    bundle = tmp_path / "bundle"
    (bundle / "rootfs/bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), bundle / "rootfs/bin/busybox")
    for name in ("sh", "id", "ls", "rm", "cat"):
        (bundle / "rootfs/bin" / name).symlink_to("busybox")
    result = cnb.run("spec", "generate", "--bundle", bundle, *options, app, "--", "sh", "-c",
                     FACTS + "; cat /proc/self/mountinfo")
    assert (result.returncode, result.stderr) == (0, "")
    return bundle


@pytest.mark.parametrize("network", ["none", "host"])
@pytest.mark.parametrize("runtime_name", RUNTIMES)
def test_a_generated_bundle_runs(cnb, app, tmp_path, runtime_name, network):
    bundle = bundle_of(app, tmp_path, cnb, "--env", "A=b", "--network", network)
    validated = cnb.run("spec", "validate", "--json", bundle)
    report = json.loads(validated.stdout)
    assert (validated.returncode, report["errors"], report["findings"]) == (0, 0, [])
    words = [runtime_name, "--root", tmp_path / "state"]
    if runtime_name == "crun" and os.geteuid() != 0:
        words += ["--cgroup-manager", "disabled"]
    result = subprocess.run([*words, "run", "--bundle", bundle, f"generated-{os.getpid()}"],
                            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                            check=False)
    assert result.returncode == 0, result.stderr + cnb.run("session", "log").stdout
    lines = result.stdout.splitlines()
    assert lines[:8] == ["/workspace", "0", "0", *VISIBLE, "0.12 /workspace b"]
    targets = {line.split()[4] for line in lines[8:]}
    assert targets >= {"/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/tmp", "/workspace"}


def test_generate_replaces_nothing_by_the_way(cnb, app, tmp_path):
    path = tmp_path / "config.json"
    path.write_text("mine")
    result = cnb.run("spec", "generate", "-b", tmp_path, app)
    assert result.returncode == 2 and "--force" in result.stderr
    assert path.read_text() == "mine"
    assert cnb.run("spec", "generate", "--force", "-b", tmp_path, app).returncode == 0
    assert cnb.run("spec", "generate", app).stdout == path.read_text()


def schema_validator():
    import jsonschema

    store = {}
    for path in SCHEMA.glob("*.json"):
        document = json.loads(path.read_text())
        store[path.as_uri()] = document
    main = SCHEMA / "config-schema.json"
    document = store[main.as_uri()]
    document.pop("id", None)
    resolver = jsonschema.RefResolver(main.as_uri(), document, store=store)
    return jsonschema.Draft4Validator(document, resolver=resolver)


@pytest.mark.build_machine
@pytest.mark.parametrize("options", [
    [], ["--role", "build", "--cnb", "/usr"], ["--network", "host", "--tty", "--hostname", "x"],
    ["--layers", "/tmp", "--platform", "/tmp", "--readonly-rootfs", "--env", "A=b", "--session", "s"],
], ids=["plain", "build", "host", "directories"])
def test_generated_documents_are_valid_by_the_schema(cnb, app, options):
    document = json.loads(cnb.run("spec", "generate", *options, app).stdout)
    validator = schema_validator()
    assert [error.message for error in validator.iter_errors(document)] == []
    document["process"]["args"] = "sh"
    document["linux"]["namespaces"] = [{"type": "nothing"}]
    assert len(list(validator.iter_errors(document))) >= 2, "the schema was not read"
