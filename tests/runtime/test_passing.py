"""Everything else goes through: words, environment, descriptors, signals, exit code."""

import os
import re
import signal
import subprocess

import pytest
from machine import Machine, snapshot

DEV = {"io.cnb.hooks.role": "dev"}


@pytest.fixture
def machine(tmp_path, wrapper, configuration):
    return Machine(tmp_path, wrapper, configuration)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--version"],
        ["features"],
        ["kill", "--all", "id", "TERM"],
        ["delete", "--force", "id"],
        ["state", ""],
        ["--log", "x", b"\xff\xfe", "new\nline", "sp ace", "-", "--", "--root"],
        ["create", "--bundle", "/no/such/bundle", "id"],
        ["exec", "id", "sh", "-c", "x", "--process", "/no"],
        ["exec", "--process", "/no/such/document", "id"],
        ["--unknown", "value", "create", "--also-unknown"],
    ],
    ids=lambda words: " ".join(str(word) for word in words[:2]) or "nothing",
)
def test_words(machine, words):
    seen = machine.call(*words)
    assert seen.words == [os.fsencode(word) for word in words], str(seen)
    assert seen.status == 37
    assert seen.stderr == "told on stderr\n"


def test_environment_descriptors_and_signals(machine):
    """What the engine set up for its runtime, down to a blocked signal and an inherited pipe."""
    reader, writer = os.pipe()
    variables = {"LISTEN_FDS": "1", "EMPTY": "", "_OCI": "a=b\nc", "XDG_RUNTIME_DIR": "/x"}
    # Inherited, not set in the child: a Python that has grpc's threads can't run code after a fork.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})
    try:
        seen = machine.call("start", "id", env=variables, pass_fds=(writer,), cwd="/usr")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)
        os.close(writer)
    entries = bytes.fromhex(seen.call["environment"]).rstrip(b"\0").split(b"\0")
    assert sorted(entries) == sorted(f"{k}={v}".encode() for k, v in variables.items())
    # Besides the pipe: the standard three, and the recorder's own look at its descriptors.
    assert writer in seen.call["descriptors"]
    assert len(seen.call["descriptors"]) == 5
    assert seen.call["blocked"] == sorted([signal.SIGUSR1, signal.SIGCHLD])
    assert seen.call["directory"] == "/usr"


def test_standard_input(machine, tmp_path):
    (tmp_path / "in").write_text("from the engine")
    with open(tmp_path / "in", encoding="utf-8") as file:
        assert machine.call("run", "id", stdin=file, cwd="/").call["input"] == "from the engine"


def test_it_is_the_same_process(machine):
    with subprocess.Popen([machine.wrapper, "list"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        output = process.communicate(timeout=60)[0]
    assert f'"pid": {process.pid}'.encode() in output


def test_dies_by_the_signal_of_its_runtime(machine):
    machine.runtime.write_text("#!/bin/sh\nkill -KILL $$\n")
    assert machine.call("start", "id").status == -signal.SIGKILL


NOT_OPTED_IN = {
    "nothing of ours": {},
    "others' annotations": {"annotations": {"org.example.role": "dev"}},
    "empty variable": {"env": ["OCI_CNB_ROLE="]},
    "another variable": {"env": ["OCI_CNB_SESSION=x", "OCI_CNB_NONSENSE=y"]},
    "sandbox": {"annotations": {**DEV, "io.kubernetes.cri.container-type": "sandbox"}},
    "escapes": {"annotations": {"a": "\u0001\u00e9"}},
}


@pytest.mark.parametrize("command", ["create", "run", "restore"])
@pytest.mark.parametrize("changes", NOT_OPTED_IN.values(), ids=NOT_OPTED_IN.keys())
def test_not_opted_in(machine, command, changes):
    bundle = machine.bundle(**changes)
    before = snapshot(bundle)
    seen = machine.call(command, "--bundle", bundle, "id")
    assert seen.status == 37, str(seen)
    assert snapshot(bundle) == before


@pytest.mark.parametrize("text", ["", "{", "null", "[1", "\xff", '{"process": 1}', '{"annotations": {"io.cnb'])
def test_broken_and_none_of_our_business(machine, text):
    """The runtime judges it, as without us."""
    bundle = machine.bundle(text)
    assert machine.call("create", "-b", bundle, "id").status == 37


def test_costs_one_exec_and_one_look(machine):
    """No process besides, no descriptor more than config.json, config.toml and what finds them."""
    bundle = machine.bundle()
    trace = machine.directory / "trace"
    words = ["strace", "-f", "-o", trace, "-e", "trace=execve,clone,clone3,fork,vfork,openat,openat2",
             machine.wrapper, "create", "--bundle", bundle, "id"]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode == 37, done.stderr
    lines = trace.read_text().splitlines()
    calls = [re.sub(r"^\d+ +", "", line) for line in lines]
    execs = [index for index, line in enumerate(calls) if line.startswith("execve(")]
    ours = calls[execs[0] + 1:execs[1]]
    assert f'execve("{machine.runtime}"' in calls[execs[1]]
    assert not [line for line in ours if re.match(r"(clone|clone3|fork|vfork)\(", line)], ours
    assert len([line for line in ours if "config.json" in line]) == 1, ours
    assert len(ours) <= 12, ours
