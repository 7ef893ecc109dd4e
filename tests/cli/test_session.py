"""What there is of scratch, and its collection."""

import json
import os
import shutil
import subprocess

import pytest


def make_session(oci, name, **changes):
    state = {
        "version": 1, "container": name.removeprefix("c-"), "bundle": "/nowhere/at/all",
        "restartable": False, "boot": "another", "source": {"device": 1, "inode": 2},
        "scratch": "disk", "members": [],
    } | changes
    path = oci.store / "sessions" / name
    for folder in (oci.store, oci.store / "sessions", oci.store / "trash", oci.store / "log", path):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    (path / "state.json").write_text(json.dumps(state))
    return path


def test_nothing_there(oci):
    shutil.rmtree(oci.store, ignore_errors=True)
    result = oci.run("session", "list")
    assert result.returncode == 0
    assert result.stdout.split() == ["SESSION", "STATE", "SCRATCH", "SIZE", "AGE"]
    assert oci.run("session", "list", "--json").stdout.strip() == "[]"
    assert oci.run("session", "gc").stdout == "removed 0, kept 0\n"
    assert oci.run("session", "log").stdout == ""
    # In the lab root's is a directory of the run, mounted there.
    assert os.path.ismount(oci.store) or not oci.store.exists(), "looking makes nothing"


def test_list_tells_states_and_sizes(oci, tmp_path):
    path = make_session(oci, "c-stopped", bundle=str(tmp_path), restartable=True)
    (path / "upper").mkdir()
    (path / "upper/file").write_bytes(b"x" * 100_000)
    make_session(oci, "c-over", scratch="tmpfs")
    found = {one["session"]: one for one in oci.sessions()}
    assert found["c-stopped"]["state"] == "stopped"
    assert found["c-stopped"]["container"] == "stopped"
    assert found["c-stopped"]["bytes"] >= 100_000
    assert found["c-over"]["state"] == "over"
    assert found["c-over"]["scratch"] == "tmpfs"
    rows = [line.split() for line in oci.run("session", "list").stdout.splitlines()]
    assert [row[:3] for row in rows] == [
        ["SESSION", "STATE", "SCRATCH"], ["c-over", "over", "tmpfs"], ["c-stopped", "stopped", "disk"]]
    assert oci.run("session", "gc", "--json").stdout.split() == (
        '{ "removed": 1, "kept": 1, "problems": [] }'.split())
    make_session(oci, "c-stopped")
    assert oci.run("session", "gc").stdout == "removed 1, kept 0\n"


def test_a_broken_state_is_shown_and_collected(oci):
    path = make_session(oci, "c-broken")
    (path / "state.json").write_text('{"version": 1, "cont')
    assert [(one["state"], one["container"]) for one in oci.sessions()] == [("over", "")]
    assert oci.run("session", "gc").returncode == 0


def test_a_store_of_somebody_else_is_refused(oci):
    path = make_session(oci, "c-x")
    oci.store.chmod(0o777)
    for words in (["list"], ["gc"], ["log"]):
        result = oci.run("session", *words)
        assert result.returncode == 4 and "0777" in result.stderr
        assert path.exists()
    oci.store.chmod(0o700)
    assert oci.run("session", "gc").returncode == 0


@pytest.mark.rootful
def test_gc_never_crosses_a_mount(oci, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("precious")
    path = make_session(oci, "c-over") / "upper"
    path.mkdir()
    subprocess.run(["mount", "--bind", source, path], check=True)
    result = oci.run("session", "gc")
    assert result.returncode == 1
    assert "is mounted on it" in result.stderr
    assert (source / "file").read_text() == "precious"
    left = next((oci.store / "trash").iterdir()) / "upper"
    subprocess.run(["umount", left], check=True)
    assert oci.run("session", "gc").returncode == 0
    assert (source / "file").read_text() == "precious"


def make_foreign(path):
    """Files that belong to a subordinate id, as another user of a container leaves them."""
    if not shutil.which("podman"):
        pytest.skip("no podman to make files of subordinate ids with")
    script = f"mkdir -p {path}/closed/in && touch {path}/closed/in/file && " \
             f"chown -R 1000:1000 {path}/closed && chmod 0700 {path}/closed"
    subprocess.run(["podman", "unshare", "sh", "-c", script], check=True)
    assert os.lstat(path / "closed").st_uid not in (0, os.getuid())


@pytest.mark.rootless
def test_gc_removes_files_of_subordinate_ids(oci):
    upper = make_session(oci, "c-over") / "upper"
    upper.mkdir()
    make_foreign(upper)
    assert oci.run("session", "list").stdout.splitlines()[1].split()[3] == ">"
    result = oci.run("session", "gc")
    assert (result.returncode, result.stdout) == (0, "removed 1, kept 0\n"), result.stderr


@pytest.mark.rootless
def test_gc_says_what_to_do_where_it_cannot(oci, tmp_path):
    upper = make_session(oci, "c-over") / "upper"
    upper.mkdir()
    make_foreign(upper)
    result = oci.run("session", "gc", env={"PATH": str(tmp_path)})
    assert result.returncode == 1
    assert "newuidmap" in result.stderr and "podman unshare oci-cnb session gc" in result.stderr
    assert oci.run("session", "gc").returncode == 0


@pytest.mark.rootless
def test_gc_inside_podman_unshare(oci):
    upper = make_session(oci, "c-over") / "upper"
    upper.mkdir()
    make_foreign(upper)
    result = subprocess.run(["podman", "unshare", *oci.words("session", "gc")],
                            capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "removed 1, kept 0\n"), result.stderr


def test_log_is_told_by_container(oci):
    make_session(oci, "c-x")
    log = oci.store / "log"
    (log / "hooks.log.1").write_text("t1 oci-cnb-prestart abc123 info old\n")
    (log / "hooks.log").write_text(
        "t2 oci-cnb-createruntime abc999 error new: a b c\nt3 oci-cnb-poststop - warning abc\n")
    assert oci.run("session", "log").stdout.splitlines() == [
        "t1 oci-cnb-prestart abc123 info old", "t2 oci-cnb-createruntime abc999 error new: a b c",
        "t3 oci-cnb-poststop - warning abc"]
    assert oci.run("session", "log", "abc").stdout.splitlines() == [
        "t1 oci-cnb-prestart abc123 info old", "t2 oci-cnb-createruntime abc999 error new: a b c"]
    assert oci.run("session", "log", "abc1").stdout == "t1 oci-cnb-prestart abc123 info old\n"
    assert oci.run("session", "log", "new").stdout == ""
    assert oci.run("session", "gc").returncode == 0
