"""`oci-cnb session apply`: what a container wrote, brought back to the source."""

import json
import os
import signal
import subprocess
import time

import pytest

COARSE = 5  # CLOCK_REALTIME_COARSE of <time.h>: by it file systems date changes


def write(path, contents):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(contents)


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source"
    for name in ("keep", "change", "d/change", "hidden", "dir/one", "dir/hidden"):
        write(source / name, f"old {name}\n")
    write(source / ".dockerignore", "hidden\ndir/hidden\n")
    return source


def begin(oci, source, name="s"):
    """A session over the source as it is now; its directory."""
    deadline = time.clock_gettime_ns(time.CLOCK_REALTIME) + 20_000_000
    while time.clock_gettime_ns(COARSE) < deadline:
        pass  # until the clock of the file system is past the source's times
    now = time.clock_gettime_ns(COARSE)
    status = source.stat()
    state = {
        "version": 1, "container": "x", "bundle": str(source), "restartable": True, "boot": "b",
        "source": {"device": status.st_dev, "inode": status.st_ino}, "scratch": "disk",
        "origin": {"path": str(source), "since": [now // 10**9, now % 10**9], "asked-rules": "",
                   "rules": ".dockerignore", "user-xattr": False, "uid-swap": [0, 0],
                   "gid-swap": [0, 0]},
        "members": [],
    }
    path = oci.store / "sessions" / name
    for folder in (oci.store, oci.store / "sessions", oci.store / "trash", oci.store / "log", path):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    (path / "state.json").write_text(json.dumps(state))
    return path


@pytest.fixture
def session(oci, source):
    """An upper as overlayfs leaves it, over the source; removed by `session rm`."""
    upper = begin(oci, source) / "upper"
    write(upper / "change", "new\n")
    write(upper / "d/change", "new\n")
    write(upper / "made/deep/file", "new\n")
    (upper / "d").chmod((source / "d").stat().st_mode & 0o7777)
    yield upper
    assert oci.run("session", "rm", "s").returncode == 0


def test_everything(oci, session, source):
    (session / "change").chmod(0o755)
    os.utime(session / "change", ns=(1, 1_000_000_007))
    os.symlink("/etc/passwd", session / "link")
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 0, result.stderr
    assert (source / "change").read_text() == (source / "made/deep/file").read_text() == "new\n"
    status = (source / "change").stat()
    assert (status.st_mode & 0o7777, status.st_mtime_ns) == (0o755, 1_000_000_007)
    assert os.readlink(source / "link") == "/etc/passwd"
    assert (source / "hidden").read_text() == "old hidden\n"
    assert not [path for path in source.rglob(".oci-cnb-apply*")]
    assert oci.run("session", "diff", "s").stdout == ""
    (session / "change").write_text("newer\n")
    assert oci.run("session", "apply", "--yes", "s").returncode == 0, "its own work is no conflict"
    assert (source / "change").read_text() == "newer\n"


def test_patterns_and_dry_run(oci, session, source):
    assert oci.run("session", "apply", "--dry-run", "s").returncode == 0
    assert not (source / "made").exists() and (source / "change").read_text() == "old change\n"
    assert oci.run("session", "apply", "--yes", "s", "made/deep/f*", "d").returncode == 0
    assert (source / "made/deep/file").exists() and (source / "d/change").read_text() == "new\n"
    assert (source / "change").read_text() == "old change\n"
    assert oci.run("session", "apply", "--yes", "s", "nothing").returncode == 1


def test_it_asks_a_terminal_only(oci, session, source):
    result = oci.run("session", "apply", "s", stdin=subprocess.DEVNULL)
    assert result.returncode == 2 and "--yes" in result.stderr
    assert (source / "change").read_text() == "old change\n"


@pytest.mark.parametrize("spoil, what", [
    (lambda s: (s / "change").write_text("mine\n"), "was changed"),
    (lambda s: write(s / "made", "mine\n"), "was changed"),
    (lambda s: (s / ".dockerignore").write_text("hidden\n"), "ignore rules were changed"),
])
def test_what_was_changed_meanwhile_is_refused(oci, session, source, spoil, what):
    spoil(source)
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 1 and what in result.stderr
    assert (source / "d/change").read_text() == "old d/change\n", "nothing at all was done"


def test_a_name_that_a_rule_hides_is_not_written_over(oci, session, source):
    write(session / "hidden", "the container's\n")
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 1 and "never saw it" in result.stderr
    assert (source / "hidden").read_text() == "old hidden\n"
    assert oci.run("session", "apply", "--yes", "--force", "s", "hidden").returncode == 0
    assert (source / "hidden").read_text() == "the container's\n"


def test_a_link_in_the_source_is_never_followed(oci, session, source, tmp_path):
    outside = tmp_path / "outside"
    write(outside / "change", "precious\n")
    (source / "d").rename(tmp_path / "away")
    (source / "d").symlink_to(outside)
    result = oci.run("session", "apply", "--yes", "--force", "s")
    assert (outside / "change").read_text() == "precious\n"
    assert list(outside.iterdir()) == [outside / "change"]
    assert result.returncode in (1, 4) or not (source / "d").is_symlink()


def test_names_of_one_file_stay_so(oci, session, source):
    os.link(session / "change", session / "made/deep/second")
    os.link(session / "change", session / "third")
    os.link(session / "made/deep/file", session / "made/twin")
    assert oci.run("session", "apply", "--yes", "s", "made").returncode == 0
    assert (source / "made/twin").samefile(source / "made/deep/file")
    assert (source / "change").read_text() == "old change\n", "it was not selected"
    assert (source / "made/deep/second").read_text() == "new\n"
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 0, result.stderr
    assert (source / "third").samefile(source / "change")
    assert oci.run("session", "diff", "s").stdout == ""
    os.link(session / "change", session / "fourth")
    assert oci.run("session", "apply", "--yes", "s").returncode == 0, "a link's time is its own work"
    assert (source / "fourth").samefile(source / "change")


def test_a_file_with_two_names_in_the_source(oci, source):
    os.link(source / "change", source / "other")
    upper = begin(oci, source) / "upper"
    write(upper / "change", "new\n")
    write(upper / "other", "new other\n")
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 0, result.stderr
    assert ((source / "change").read_text(), (source / "other").read_text()) == ("new\n", "new other\n")
    assert oci.run("session", "rm", "s").returncode == 0


@pytest.mark.rootful
def test_deletions_spare_what_rules_hide(oci, session, source):
    os.mknod(session / "dir", 0o020000, 0)
    os.mknod(session / "keep", 0o020000, 0)
    assert oci.run("session", "apply", "--yes", "s").returncode == 0
    assert not (source / "keep").exists() and not (source / "dir/one").exists()
    assert (source / "dir/hidden").read_text() == "old dir/hidden\n"


def test_killed_at_any_moment_and_repeated(oci, session, source):
    for number in range(300):
        write(session / f"many/{number}", f"{number}\n" * 1000)
    for delay in (0.001, 0.003, 0.01, 0.02):
        process = oci.start("session", "apply", "--yes", "s")
        try:
            process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        for path in source.rglob("many/[0-9]*"):
            assert path.read_text() == f"{path.name}\n" * 1000, "half a file"
    result = oci.run("session", "apply", "--yes", "s")
    assert result.returncode == 0, result.stderr
    assert len(list((source / "many").iterdir())) == 300
    assert oci.run("session", "diff", "s").stdout == ""
