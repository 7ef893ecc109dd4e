"""What it does to config.json and to exec's document, and what it refuses."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest
from machine import Machine, document, snapshot

DEV = {"io.cnb.hooks.role": "dev"}
SET = ["CNB_PLATFORM_API=0.12", "CNB_APP_DIR=/workspace", "CNB_LAYERS_DIR=/layers",
       "CNB_PLATFORM_DIR=/platform"]


@pytest.fixture
def machine(tmp_path, wrapper, configuration):
    return Machine(tmp_path, wrapper, configuration)


# --- config.json ----------------------------------------------------------------------------------

FORMS = {
    "--bundle DIR": lambda bundle: ["--bundle", bundle],
    "--bundle=DIR": lambda bundle: [f"--bundle={bundle}"],
    "-b DIR": lambda bundle: ["-b", bundle],
    "-b=DIR": lambda bundle: [f"-b={bundle}"],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("command", ["create", "run"])
def test_is_adjusted(machine, command, form):
    bundle = machine.bundle(annotations=DEV)
    assert machine.call("--root", "/r", command, *form(bundle), "id").status == 37
    config = machine.config(bundle)
    hooks = config.pop("hooks")
    assert {stage: [pathlib.Path(hook["path"]).name for hook in entries]
            for stage, entries in hooks.items()} == {
        "createRuntime": ["oci-cnb-createruntime"], "poststop": ["oci-cnb-poststop"]}
    assert all(hook["env"] for entries in hooks.values() for hook in entries)
    expected = document(annotations=DEV, env=SET, cwd="/workspace")
    assert config == expected
    assert os.listdir(bundle).count("config.json") == len(os.listdir(bundle)) - 1


def test_here_is_the_default(machine):
    bundle = machine.bundle(annotations=DEV)
    machine.call("create", "id", cwd=bundle)
    assert machine.config(bundle)["process"]["cwd"] == "/workspace"


def test_variables_become_annotations(machine):
    env = ["OCI_CNB_ROLE=build", "A=b", "OCI_CNB_SCRATCH=tmpfs:1m"]
    bundle = machine.bundle(env=env, annotations={"other": "x"})
    machine.call("create", "-b", bundle, "id")
    config = machine.config(bundle)
    assert config["process"]["env"] == ["PATH=/bin", "A=b", "CNB_PLATFORM_API=0.12",
                                        "CNB_EXPERIMENTAL_MODE=warn", *SET[1:]]
    assert config["annotations"] == {"other": "x", "io.cnb.hooks.role": "build",
                                     "io.cnb.hooks.scratch": "tmpfs:1m"}


def test_variables_mean_nothing_beside_an_annotation(machine):
    """An image's variables can't change what the user asked for."""
    bundle = machine.bundle(env=["OCI_CNB_ROLE=build", "OCI_CNB_ENFORCE=warn"], annotations=DEV)
    machine.call("create", "-b", bundle, "id")
    assert machine.config(bundle)["annotations"] == DEV


def test_an_escaped_annotation_is_found(machine):
    text = json.dumps(document(annotations=DEV)).replace("io.cnb", "\\u0069o.cnb")
    bundle = machine.bundle(text)
    machine.call("create", "-b", bundle, "id")
    assert machine.config(bundle)["process"]["cwd"] == "/workspace"


def test_bytes_elsewhere_stay_and_a_second_time_changes_nothing(machine):
    text = json.dumps(document(annotations=DEV), indent=3).replace("/src", "\\/src")
    bundle = machine.bundle(text)
    machine.call("create", "-b", bundle, "id")
    adjusted = (bundle / "config.json").read_text()
    for part in ('"source": "\\/src"', '"x-unknown": 12345678901234567890123', '\n   "root": {'):
        assert part in adjusted
    before = snapshot(bundle)
    machine.call("create", "-b", bundle, "id")
    assert snapshot(bundle) == before


def test_owner_and_mode_stay(machine):
    bundle = machine.bundle(annotations=DEV)
    path = bundle / "config.json"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    before = path.stat()
    machine.call("create", "-b", bundle, "id")
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid)


# --- exec -----------------------------------------------------------------------------------------


def container(machine, **changes):
    """The state of a container that is running, as runc keeps it."""
    bundle = machine.bundle(**changes)
    machine.call("create", "-b", bundle, "id")
    state = machine.directory / "root/id"
    state.mkdir(parents=True)
    (state / "state.json").write_text(json.dumps(
        {"id": "id", "config": {"labels": [f"bundle={bundle}"]}}))
    return machine.directory / "root"


def process(machine, **changes):
    path = machine.directory / "process.json"
    path.write_text(json.dumps({"args": ["sh"], "cwd": "/", "env": ["A=b"], **changes}))
    path.chmod(0o600)
    return path


def test_exec(machine):
    root = container(machine, annotations=DEV)
    path = process(machine)
    assert machine.call("--root", root, "exec", "--process", path, "id").status == 37
    assert json.loads(path.read_text()) == {
        "args": ["sh"], "cwd": "/workspace", "env": ["A=b", *SET]}
    assert path.stat().st_mode & 0o777 == 0o600


def test_exec_has_no_variable_of_ours(machine):
    root = container(machine, env=["OCI_CNB_ROLE=dev"])
    path = process(machine, env=["OCI_CNB_ROLE=dev", "A=b"], cwd="/tmp")
    machine.call("--root", root, "exec", "-p", path, "id")
    assert json.loads(path.read_text()) == {"args": ["sh"], "cwd": "/tmp", "env": ["A=b", *SET]}


def test_exec_of_another_container(machine):
    root = container(machine)
    path = process(machine)
    before = snapshot(machine.directory)
    for name in ("id", "no-such"):
        machine.call("--root", root, "exec", "-p", path, name)
    assert snapshot(machine.directory) == before


def test_exec_with_a_broken_document(machine):
    root = container(machine, annotations=DEV)
    path = process(machine)
    path.write_text('{"cwd": "/"')
    seen = machine.call("--root", root, "exec", "-p", path, "id")
    assert seen.status == 21
    assert seen.stderr.startswith("oci-cnb-runtime: config: ")
    assert path.read_text() == '{"cwd": "/"'


# --- refusals -------------------------------------------------------------------------------------

OPTED_IN = json.dumps(document(annotations=DEV))
BROKEN = {
    # name: (config.json, exit code, the line)
    "half written": (OPTED_IN[:-1], 21, "config: "),
    "no object": (f"[{OPTED_IN}]", 21, "config: the document isn't a JSON object; "),
    "no process": (json.dumps({"annotations": DEV}), 21, "config: there is no process"),
    "twice": (OPTED_IN[:-1] + ', "annotations": {"io.cnb.hooks.role": "build"}}', 21, "config: "),
    "unknown annotation": (json.dumps(document(annotations={"io.cnb.hooks.rol": "dev"})), 22,
                           'annotation: unknown annotation "io.cnb.hooks.rol"; did you mean'),
    "unknown variable": (json.dumps(document(env=["OCI_CNB_ROLE=dev", "OCI_CNB_LOGG=debug"])), 22,
                         'annotation: unknown variable "OCI_CNB_LOGG"; the container\'s '
                         'environment; did you mean "OCI_CNB_LOG"?'),
    "bad variable": (json.dumps(document(env=["OCI_CNB_ROLE=def"])), 22,
                     'annotation: bad value "def"; '),
    "bad environment": (json.dumps(document(annotations=DEV, env=["CNB_PLATFORM_API=x"])), 27,
                        'environment: '),
    "phase without a session": (
        json.dumps(document(annotations={"io.cnb.hooks.role": "detect"},
                            process={"args": ["/cnb/lifecycle/detector"], "cwd": "/"})),
        30, "session: the lifecycle's detector has a workspace of its own"),
}


@pytest.mark.parametrize("text, status, line", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_refused(machine, text, status, line, log_format):
    """One line on stderr and in the engine's log, and nothing is changed."""
    bundle = machine.bundle(text)
    before = snapshot(bundle)
    log = machine.directory / "engine.log"
    seen = machine.call("--log", log, "--log-format", log_format, "create", "-b", bundle, "id")
    assert seen.status == status, str(seen)
    assert seen.call is None, "the runtime was called"
    assert seen.stderr.count("\n") == 1
    assert seen.stderr.startswith(f"oci-cnb-runtime: {line}")
    assert snapshot(bundle) == before
    told = log.read_text()
    assert told.count("\n") == 1
    if log_format == "json":
        entry = json.loads(told)
        assert entry["level"] == "error" and entry["time"].endswith("Z")
        assert entry["msg"] == seen.stderr.rstrip("\n")
    else:
        assert "level=error msg=" in told


def refusal(machine, *words):
    seen = machine.call(*words)
    assert seen.call is None, "the runtime was called"
    assert seen.stderr.count("\n") == 1, str(seen)
    return seen.status, seen.stderr.removeprefix("oci-cnb-runtime: ").rstrip("\n")


GARBAGE = {
    "empty": b"",
    "newline": b"\n",
    "number": b"42",
    "byte order mark": b"\xef\xbb\xbf" + OPTED_IN.encode(),
    "zeros behind it": OPTED_IN.encode() + bytes(4096),
    "twice the document": OPTED_IN.encode() * 2,
    "no UTF-8": OPTED_IN.encode().replace(b'"true"', b'"\xff"'),
    "deep": b'{"x": ' + b"[" * 100_000,
    "17 MiB": OPTED_IN.encode() + b" " * (17 << 20),
    "cut at any byte": None,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_document(machine, name):
    """Refused where it may be about us; else the runtime is asked, which knows its own words."""
    texts = [GARBAGE[name]]
    if texts == [None]:
        end = OPTED_IN.index("io.cnb") + len("io.cnb.hooks.role")
        texts = [OPTED_IN[:length].encode() for length in range(end, len(OPTED_IN))]
    for text in texts:
        bundle = machine.bundle()
        (bundle / "config.json").write_bytes(text)
        before = snapshot(bundle)
        seen = machine.call("create", "-b", bundle, "id")
        assert snapshot(bundle) == before
        if b"io.cnb" in text or name == "17 MiB":
            assert (seen.status, seen.call) == (21, None), (text[:200], str(seen))
            assert seen.stderr.count("\n") == 1 and str(bundle) in seen.stderr
        else:
            assert seen.status == 37, str(seen)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_what_is_no_file(machine, kind):
    """Nothing is waited for that never comes."""
    bundle = machine.bundle(annotations=DEV)
    path = bundle / "config.json"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        os.chdir(bundle)  # its path is limited to 108 bytes
        server.bind("config.json")
        os.chdir("/")
    else:
        path.symlink_to("/dev/zero")
    status, line = refusal(machine, "create", "-b", bundle, "id")
    assert status in (21, 31) and "config.json" in line


def test_a_bundle_that_isnt_there_is_the_runtimes_affair(machine):
    file = machine.directory / "bundle"
    file.write_text("{}")
    for path in (file, machine.directory / "none", ""):
        assert machine.call("create", "-b", path, "id", cwd=machine.directory).status == 37


def test_a_name_with_a_newline_stays_in_one_line(machine):
    bundle = machine.bundle(OPTED_IN[:-1])
    odd = bundle.with_name("new\nline")
    bundle.rename(odd)
    status, line = refusal(machine, "create", "-b", odd, "id")
    assert status == 21 and "new line/config.json" in line


@pytest.mark.parametrize("log", ["directory", "fifo", "missing directory"])
def test_a_log_that_cant_be_written(machine, log):
    """The line on stderr is there all the same, and nobody waits for a reader."""
    path = machine.directory / "log"
    if log == "directory":
        path.mkdir()
    elif log == "fifo":
        os.mkfifo(path)
    else:
        path = path / "none/log"
    bundle = machine.bundle(OPTED_IN[:-1])
    status, line = refusal(machine, "--log", path, "--log-format=json", "create", "-b", bundle, "id")
    assert status == 21 and line.startswith("config: ")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_crun_is_spoken_for_as_crun(machine, log_format):
    """Its log has another form than runc's, and podman and conmon read it."""
    link = machine.directory / "oci-cnb-runtime.crun"
    link.symlink_to(machine.wrapper)
    machine.wrapper = link
    bundle = machine.bundle(OPTED_IN[:-1])
    log = machine.directory / "engine.log"
    seen = machine.call(f"--log={log}", f"--log-format={log_format}", "create", "-b", bundle, "id")
    assert seen.status == 21
    told = log.read_text()
    assert told.count("\n") == 1
    if log_format == "json":
        entry = json.loads(told)
        assert list(entry) == ["msg", "level", "time"] and entry["level"] == "error"
        assert entry["msg"] == seen.stderr.rstrip("\n")
    else:
        assert told.endswith(f": {seen.stderr}")


def test_a_link_isnt_followed(machine):
    bundle = machine.bundle(annotations=DEV)
    (bundle / "config.json").rename(bundle / "real.json")
    (bundle / "config.json").symlink_to("real.json")
    before = snapshot(bundle)
    status, line = refusal(machine, "create", "-b", bundle, "id")
    assert (status, line.partition(";")[0]) == (
        21, "config: this is a link, or was replaced meanwhile")
    assert snapshot(bundle) == before


def test_unreadable_bundle(machine):
    bundle = machine.bundle(annotations=DEV)
    (bundle / "config.json").unlink()
    (bundle / "config.json").mkdir()
    status, line = refusal(machine, "create", "-b", bundle, "id")
    assert (status, line.partition(";")[0]) == (21, "config: this is no regular file")


@pytest.mark.rootless
def test_bundle_that_cant_be_written(machine):
    bundle = machine.bundle(annotations=DEV)
    bundle.chmod(0o555)
    before = snapshot(bundle)
    status, line = refusal(machine, "create", "-b", bundle, "id")
    bundle.chmod(0o755)
    assert status == 31 and "Permission denied" in line
    assert snapshot(bundle) == before


@pytest.mark.rootless
def test_config_that_cant_be_read(machine):
    bundle = machine.bundle(annotations=DEV)
    (bundle / "config.json").chmod(0)
    status, line = refusal(machine, "create", "-b", bundle, "id")
    assert status == 21 and "Permission denied" in line


def test_restore_is_refused(machine):
    bundle = machine.bundle(annotations=DEV)
    status, line = refusal(machine, "restore", "-b", bundle, "id")
    assert (status, line.partition(";")[0]) == (
        30, "session: a container that opts in can't be restored from a checkpoint")


def test_another_config_is_refused(machine):
    """crun's --config: the hooks would read config.json."""
    bundle = machine.bundle(annotations=DEV)
    status, line = refusal(machine, "create", "-f", bundle / "config.json", "id")
    assert (status, line.partition(";")[0]) == (
        21, "config: a container that opts in can't be made with --config")


# --- which runtime --------------------------------------------------------------------------------


def test_unknown_runtime(machine):
    machine.configure('runtime = "no-such-runtime"\n')
    log = machine.directory / "log"
    status, line = refusal(machine, "--log", log, "--log-format=json", "state", "id")
    assert status == 23
    assert line.startswith('settings: there is no runtime "no-such-runtime"; /usr/bin, ')
    assert json.loads(log.read_text())["msg"] == f"oci-cnb-runtime: {line}"


@pytest.mark.parametrize("how", ["itself", "link", "chain of links", "hard link", "copy", "script"])
def test_recursion(machine, how):
    path = machine.directory / "runc"
    if how == "itself":
        path = machine.wrapper
    elif how == "link":
        path.symlink_to(machine.wrapper)
    elif how == "chain of links":
        (machine.directory / "other").symlink_to(machine.wrapper)
        path.symlink_to("other")
    elif how == "hard link":
        beside = machine.wrapper.with_name("copy")  # links don't cross file systems
        shutil.copy(machine.wrapper, beside)
        machine.wrapper = beside
        path = beside.with_name("runc")
        path.hardlink_to(beside)
    elif how == "copy":
        shutil.copy(machine.wrapper, path)
    else:
        path.write_text(f'#!/bin/sh\nexec {machine.wrapper} "$@"\n')
        path.chmod(0o755)
    machine.configure(f'runtime = "{path}"\n')
    status, line = refusal(machine, "state", "id")
    if how == "hard link":
        path.unlink()
        machine.wrapper.unlink()
    assert (status, line.partition(";")[0]) == (
        23, "settings: the runtime is oci-cnb-runtime itself")


def test_a_bad_key_refuses_only_who_opts_in(machine):
    machine.configure(f'runtime = "{machine.runtime}"\nlogg = "info"\n')
    assert machine.call("create", "-b", machine.bundle(), "id").status == 37
    status, line = refusal(machine, "create", "-b", machine.bundle(annotations=DEV), "id")
    assert status == 23 and line.startswith('settings: unknown key "logg"; ')


def test_its_name_says_for_which(machine):
    link = machine.directory / "oci-cnb-runtime.crun"
    link.symlink_to(machine.wrapper)
    told = subprocess.run([link, "--version"], capture_output=True, check=True, text=True).stdout
    assert told.startswith("crun version")


def test_installed_and_half_installed(machine):
    """The hooks are found in libexec; without them nobody who opts in starts."""
    (machine.directory / "bin").mkdir()
    copy = machine.directory / "bin/oci-cnb-runtime"
    shutil.copy(machine.wrapper, copy)
    original, machine.wrapper = machine.wrapper, copy
    assert machine.call("create", "-b", machine.bundle(), "id").status == 37
    status, line = refusal(machine, "create", "-b", machine.bundle(annotations=DEV), "id")
    assert status == 2 and "isn't installed with this program" in line
    libexec = machine.directory / "libexec/oci-cnb-hooks"
    libexec.mkdir(parents=True)
    shutil.copy(original.parent / "oci-cnb-createruntime", libexec)
    bundle = machine.bundle(annotations=DEV)
    assert machine.call("create", "-b", bundle, "id").status == 37
    (hook,) = machine.config(bundle)["hooks"]["createRuntime"]
    assert hook["path"] == str(libexec / "oci-cnb-createruntime")
