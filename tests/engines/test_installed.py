"""`oci-cnb install podman`: podman calls the hooks by itself, beside those of others."""

import json
import os
import pathlib

import pytest

from kit import source as tree
from kit.checks import overlay_at
from kit.engine import execute, must
from kit.probe import Probe

BASE = pathlib.Path("/etc/containers")
OPTIONS = []
if os.geteuid() != 0:
    BASE = pathlib.Path.home() / ".config/containers"
    OPTIONS = ["--user"]


def files():
    """{path: contents} of all that podman reads there, directories among them."""
    return {path: path.read_bytes() if path.is_file() else None for path in BASE.rglob("*")}


@pytest.fixture
def others(tmp_path):
    """Somebody else's hook, and a setting in the same file; gives the file that the hook makes."""
    for path in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        path.chmod(0o755)
    called = tmp_path / "called"
    program = tmp_path / "hook"
    program.write_text(f"#!/bin/sh\ntouch {called}\n")
    program.chmod(0o755)
    (tmp_path / "hook.json").write_text(json.dumps({
        "version": "1.0.0", "hook": {"path": str(program), "env": ["PATH=/usr/bin:/bin"]},
        "when": {"always": True}, "stages": ["createRuntime"]}))
    there = BASE.exists()
    BASE.mkdir(parents=True, exist_ok=True)
    settings = BASE / "containers.conf"
    settings.write_text(f'[containers]\nenv = ["OTHERS=kept"]\n[engine]\nhooks_dir = ["{tmp_path}"]\n')
    yield called
    settings.unlink()
    if not there:
        BASE.rmdir()


def run(engine, request):
    """As people do: no option about hooks."""
    words = ["podman", "--runtime", engine.runtime, "run", "--rm", *engine.create_options(request)]
    return execute(words)


def test_podman_calls_the_hooks_by_itself(podman, programs, ask, others):
    before = files()
    must([programs["oci-cnb"], "install", "podman", *OPTIONS])
    try:
        facts = run(podman, ask(Probe().basics().tree().script())).facts
        overlay_at(facts)
        assert facts.paths() == tree.visible_paths()
        assert facts.cwd == "/workspace" and facts.env["CNB_APP_DIR"] == "/workspace"
        assert facts.env["OTHERS"] == "kept"
        assert others.exists(), "the hook of somebody else was not called"
        installed = files()
        again = must([programs["oci-cnb"], "install", "podman", *OPTIONS])
        assert again.stdout == b"nothing to do\n" and files() == installed
    finally:
        must([programs["oci-cnb"], "uninstall", "podman", *OPTIONS])
    assert files() == before
    facts = run(podman, ask(Probe().basics().script())).facts
    assert [m.type for m in facts.mounts() if m.target == "/workspace"] != ["overlay"]
