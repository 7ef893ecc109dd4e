"""What there is of scratch, and its collection."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import wait_until


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
    assert result.stdout.split() == ["SESSION", "KIND", "STATE", "SCRATCH", "WAY", "SIZE", "AGE",
                                     "MEMBERS"]
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
    assert [row[:4] for row in rows] == [
        ["SESSION", "KIND", "STATE", "SCRATCH"], ["c-over", "container", "over", "tmpfs"],
        ["c-stopped", "container", "stopped", "disk"]]
    assert (found["c-over"]["way"], found["c-over"]["way_reason"]) == ("overlay", "")
    assert oci.run("session", "gc", "--json").stdout.split() == (
        '{ "removed": 1, "kept": 1, "unfinished": false, "problems": [], "reports": [] }'.split())
    make_session(oci, "c-stopped")
    assert oci.run("session", "gc").stdout == "removed 1, kept 0\n"


def test_an_engines_id_is_cut_as_engines_do(oci, tmp_path):
    """A line fits into a terminal; a name that somebody has chosen stays whole."""
    full = "c-" + "0123456789abcdef" * 4
    for name in (full, "c-" + "chosen-by-somebody-" * 3):
        make_session(oci, name, bundle=str(tmp_path), restartable=True)
    shown = [line.split()[0] for line in oci.run("session", "list").stdout.splitlines()[1:]]
    assert shown == ["c-0123456789ab", "c-" + "chosen-by-somebody-" * 3]
    assert {one["session"] for one in oci.sessions()} == {full, shown[1]}
    for name in shown:
        assert oci.run("session", "rm", name).returncode == 0
    missing = oci.run("session", "rm", "mycontainer")
    assert missing.returncode == 4
    assert "see `oci-cnb session list`; a container goes by its id, not by its name" in missing.stderr


def test_list_tells_the_way_and_why(oci):
    make_session(oci, "c-copied", way={"name": "reflink", "reason": "overlay: no"})
    [found] = [one for one in oci.sessions() if one["session"] == "c-copied"]
    assert (found["way"], found["way_reason"]) == ("reflink", "overlay: no")
    text = oci.run("session", "list").stdout
    assert text.splitlines()[-1] == "c-copied: reflink, since overlay: no"
    assert oci.run("session", "rm", "c-copied").returncode == 0


def this_boot():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def member(process, container, mounted=True):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return {"pid": process.pid, "start": int(fields[19]), "mounted": mounted, "container": container}


def make_shared(oci, name, kind="named", **changes):
    return make_session(oci, name, version=2, kind=kind, mount="none", **{"pod-bundle": ""}, **changes)


def test_list_tells_kinds_and_living_members(oci):
    processes = [subprocess.Popen(["cat"], stdin=subprocess.PIPE) for _ in range(3)]
    try:
        members = [member(process, f"{at}" * 64, at != 1) for at, process in enumerate(processes)]
        processes[2].communicate()
        make_shared(oci, "n-build", boot=this_boot(), members=members)
        make_shared(oci, "p-6f", "pod", members=members)
        found = {one["session"]: one for one in oci.sessions()}
        assert [found["n-build"][key] for key in ("kind", "name", "state")] == ["named", "build", "running"]
        assert found["n-build"]["members"] == [
            {"pid": processes[0].pid, "container": "0" * 64, "state": "running"},
            {"pid": processes[1].pid, "container": "1" * 64, "state": "preparing"}]
        assert [found["p-6f"][key] for key in ("kind", "name", "members")] == ["pod", "6f", []]
        rows = oci.run("session", "list").stdout.splitlines()
        assert rows[1].endswith(f"{processes[0].pid} ({'0' * 12}), {processes[1].pid} ({'1' * 12})")
        assert rows[2].endswith(" -")
        refused = oci.run("session", "rm", "build")
        assert refused.returncode == 4 and "running" in refused.stderr
    finally:
        for process in processes:
            process.communicate()
    assert oci.run("session", "rm", "build").returncode == 0
    assert oci.run("session", "rm", "6f").returncode == 0


def test_a_session_is_called_by_the_name_that_people_know(oci):
    for name in ("n-build", "k-a.web", "k-b.web"):
        make_shared(oci, name)
    for words in (["diff"], ["export"], ["apply", "--yes"], ["rm"]):
        result = oci.run("session", *words, "web")
        assert result.returncode == 4
        assert result.stderr == ('oci-cnb: session: this may be several sessions; "web"; '
                                 'say which: "k-a.web" or "k-b.web"\n')
        assert "no such session" in oci.run("session", *words, "nobody").stderr
    assert "read-only" in oci.run("session", "export", "build").stderr
    for name in ("build", "a.web", "web"):
        assert oci.run("session", "rm", name).returncode == 0


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
    assert oci.run("session", "list").stdout.splitlines()[1].split()[5] == ">"
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


def make_many(path):
    """More than is removed while somebody waits (session::kAtOnce)."""
    for folder in range(3):
        (path / f"{folder}").mkdir(parents=True)
        for name in range(500):
            (path / f"{folder}/{name}").touch()


def test_rm_of_much_returns_at_once(oci):
    upper = make_session(oci, "c-over") / "upper"
    make_many(upper)
    assert oci.run("session", "rm", "over").returncode == 0
    assert oci.sessions() == []
    assert wait_until(lambda: oci.left() == [])


def test_rm_of_little_leaves_no_process(oci):
    upper = make_session(oci, "c-over") / "upper"
    (upper / "d").mkdir(parents=True)
    (upper / "d/file").touch()
    assert oci.run("session", "rm", "over").returncode == 0
    assert (oci.left(), oci.removers()) == ([], [])


def test_gc_of_much_says_so(oci):
    make_many(make_session(oci, "c-over") / "upper")
    result = oci.run("session", "gc")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "removed 1, kept 0; much is being removed in the background\n"
    assert wait_until(lambda: oci.left() == [])


@pytest.mark.rootless
def test_rm_of_much_takes_subordinate_ids_too(oci):
    upper = make_session(oci, "c-over") / "upper"
    make_many(upper)
    make_foreign(upper)
    assert oci.run("session", "rm", "over").returncode in (0, 4)  # by what it meets first
    assert wait_until(lambda: oci.removers() == [])
    assert oci.run("session", "gc").returncode == 0


def test_a_remover_that_is_killed_is_finished_by_gc(oci, app):
    """Links to the source are all over the place: none is ever followed."""
    for delay in (0, 0.001, 0.005, 0.02):
        upper = make_session(oci, "c-over") / "upper"
        make_many(upper)
        for folder in range(3):
            os.symlink(app, upper / f"{folder}/link")
            os.symlink(app, upper / f"{folder}/linked")
        assert oci.run("session", "rm", "c-over").returncode == 0
        end = time.monotonic() + delay
        while time.monotonic() < end:
            pass  # at another point each time
        for pid in oci.removers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it was done
        assert wait_until(lambda: oci.removers() == [])
        assert oci.run("session", "gc").returncode == 0
        assert wait_until(lambda: oci.left() == [])


@pytest.mark.rootful
def test_a_remover_never_crosses_a_mount(oci, app):
    upper = make_session(oci, "c-over") / "upper"
    make_many(upper)
    place = upper / "0/mounted"
    place.mkdir()
    subprocess.run(["mount", "--bind", app, place], check=True)
    oci.run("session", "rm", "over")
    assert wait_until(lambda: oci.removers() == [])
    left = next((oci.store / "trash").iterdir()) / "upper/0/mounted"
    assert (left / "README.md").read_text() == "readme\n"
    result = oci.run("session", "gc")
    assert result.returncode == 1 and "is mounted on it" in result.stderr
    subprocess.run(["umount", left], check=True)
    assert oci.run("session", "gc").returncode == 0


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
    (log / "hooks.log").write_text("t4 oci-cnb-prestart abc5@n-build error a\nt5 oci-cnb-prestart f error b\n")
    assert oci.run("session", "log", "build").stdout == "t4 oci-cnb-prestart abc5@n-build error a\n"
    assert oci.run("session", "gc").returncode == 0


def test_whose_containers_are_missing(oci):
    """Root's and a user's have stores of their own, and `sudo podman` is easily forgotten."""
    shutil.rmtree(oci.store / "sessions", ignore_errors=True)
    as_sudo = oci.run("session", "list", env={**os.environ, "SUDO_UID": "1000"})
    if os.geteuid() == 0:
        assert "these are of root's containers; your own are shown without sudo" in as_sudo.stderr
        assert oci.run("session", "list").stderr == ""
    else:
        wanted = "these are of your own containers; root's are shown with sudo"
        assert (wanted in as_sudo.stderr) == os.path.exists("/var/lib/oci-cnb-hooks")
    assert oci.run("session", "list", "--json").stderr == ""
