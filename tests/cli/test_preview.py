"""A command in the workspace, without a container."""

import json
import os
import pathlib
import pty
import signal
import subprocess
import time

import pytest


def lines(text):
    return text.splitlines()


def changes(result):
    return {(one["status"], one["path"]) for one in json.loads(result.stdout)["changes"]}


def wait_for(condition, what):
    """Polls: what is waited for happens in a process that has no way to tell us."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_the_command_sees_what_a_container_would(oci, app):
    result = oci.run("preview", app, "--", "find", ".", "-mindepth", "1")
    assert result.returncode == 0, result.stderr
    assert set(lines(result.stdout)) == {
        "./.dockerignore", "./README.md", "./src", "./src/main.c", "./src/other.c", "./build"}
    assert "nothing was changed" in result.stderr


def test_changes_are_shown_like_git_status(oci, app):
    script = ("echo more >> README.md; rm src/other.c; mkdir made; touch made/a made/b; "
              "mkdir node_modules; touch node_modules/mine; touch src/main.c; echo > src/x.o")
    result = oci.run("preview", app, "--", "sh", "-c", script)
    assert result.returncode == 0, result.stderr
    assert lines(result.stdout) == [
        "M README.md", "A made/ (2 entries)", "A node_modules/ (1 entry)", "D src/other.c",
        "A src/x.o"]


def test_json_is_alone_on_stdout(oci, app):
    result = oci.run("preview", app, "--json", "--", "sh", "-c", "echo to stdout; rm -r src; exit 3")
    assert result.returncode == 3
    assert "to stdout" in result.stderr
    assert json.loads(result.stdout) == {
        "exit_code": 3, "changes": [{"status": "D", "path": "src/", "type": "directory"}]}


@pytest.mark.parametrize("name", [b"new\nline", b"\xff\xfe", b"-rf", b"\x1b[31m", b"a b"])
def test_names_are_bytes(oci, app, name):
    result = oci.run("preview", app, "--json", "--", "touch", "--", os.fsdecode(name))
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["changes"]) == 1
    result = oci.run("preview", app, "--", "touch", "--", os.fsdecode(name))
    assert len(lines(result.stdout)) == 1
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("script, code", [
    ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_the_exit_code_is_the_commands(oci, app, script, code):
    assert oci.run("preview", app, "--", "sh", "-c", script).returncode == code


def test_the_command_is_who_we_are_where_the_source_is(oci, app):
    script = "id -u; id -g; pwd; echo $PWD; cat"
    result = oci.run("preview", app, "--", "sh", "-c", script, input="from stdin")
    assert lines(result.stdout) == [
        str(os.getuid()), str(os.getgid()), str(app), str(app), "from stdin"]


def test_a_relative_directory_and_options_of_the_command(oci, app):
    result = oci.run("preview", "app", "--", "ls", "-a", "--", "src", cwd=app.parent)
    assert lines(result.stdout) == [".", "..", "main.c", "other.c"]


def test_a_link_to_the_source(oci, app):
    (app.parent / "link").symlink_to("app")
    result = oci.run("preview", app.parent / "link", "--", "sh", "-c", "touch new; ls")
    assert lines(result.stdout) == ["README.md", "build", "new", "src", "A new"]


def test_other_rules(oci, app, tmp_path):
    (tmp_path / "rules").write_text("src\n")
    result = oci.run("preview", app, "--ignore-file", tmp_path / "rules", "--", "ls")
    assert lines(result.stdout) == ["README.md", "build", "node_modules"]


def test_scratch_in_memory_has_its_size(oci, app):
    script = "dd if=/dev/zero of=big bs=1M count=3"
    result = oci.run("preview", app, "--scratch", "tmpfs:1m", "--", "sh", "-c", script)
    assert result.returncode == 1 and "No space left" in result.stderr
    assert lines(result.stdout) == ["A big"]


def test_the_source_is_out_of_reach(oci, app):
    """Neither by taking the overlay off, nor in namespaces of one's own, nor by other processes."""
    script = f"""
        umount . ; umount -l {app}
        unshare -rm umount {app}
        unshare -m umount -l {app}
        mount --bind {app} /mnt; echo > /mnt/README.md; umount /mnt
        mount -o remount,bind,rw {app}
        for pid in 1 $PPID; do echo hacked > /proc/$pid/root{app}/README.md; done
        echo hacked > {app}/README.md
        true"""
    result = oci.run("preview", app, "--", "sh", "-c", script)
    assert result.returncode == 0, result.stderr
    assert lines(result.stdout)[-1] == "M README.md"


def test_a_plain_users_command_has_no_power(oci, app):
    result = oci.run("preview", app, "--", "grep", "CapEff", "/proc/self/status")
    if os.getuid() != 0:
        assert int(lines(result.stdout)[0].split()[1], 16) == 0


def test_a_command_may_leave_closed_directories(oci, app):
    script = "mkdir -p closed/in; touch closed/in/file; chmod 0 closed/in closed"
    result = oci.run("preview", app, "--", "sh", "-c", script)
    assert result.returncode == 0, result.stderr
    assert lines(result.stdout) == ["A closed/ (2 entries)"]


@pytest.mark.parametrize("words, code, part", [
    (["{app}"], 2, "COMMAND"),
    (["{app}", "--", "no-such-program"], 2, "no such program"),
    (["{app}", "--", "./no-such-program"], 2, "No such file"),
    (["{app}/nowhere", "--", "true"], 3, "No such file"),
    (["{app}/README.md", "--", "true"], 3, "Not a directory"),
    (["{app}", "--scratch", "floppy", "--", "true"], 2, "tmpfs:SIZE"),
    (["{app}", "--ignore-file", "{app}/nowhere", "--", "true"], 3, "nowhere"),
    (["/proc/self", "--", "true"], 4, "source on proc"),
])
def test_wrong_words(oci, app, words, code, part):
    result = oci.run("preview", *(word.format(app=app) for word in words))
    assert result.returncode == code, result.stderr
    assert part in result.stderr


def test_a_bad_ignore_file_names_its_line(oci, app, tmp_path):
    (tmp_path / "rules").write_text("ok\n[\n")
    result = oci.run("preview", app, "--ignore-file", tmp_path / "rules", "--", "true")
    assert result.returncode == 3
    assert ":2" in result.stderr


def test_scratch_inside_the_source_is_refused(oci):
    oci.store.mkdir(parents=True, exist_ok=True, mode=0o700)
    result = oci.run("preview", oci.store, "--", "true")
    assert result.returncode == 4
    assert "inside the source" in result.stderr
    assert oci.run("preview", oci.store, "--scratch", "tmpfs", "--", "true").returncode == 0


@pytest.mark.rootful
def test_a_mount_inside_the_source(oci, app):
    """Refused where it would silently be missing, fine where a rule hides it."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", app / "src"], check=True)
    try:
        result = oci.run("preview", app, "--", "true")
        assert result.returncode == 3 and '"src"' in result.stderr
        rules = app.parent / "rules"
        rules.write_text("src\n")
        assert oci.run("preview", app, "--ignore-file", rules, "--", "true").returncode == 0
    finally:
        subprocess.run(["umount", app / "src"], check=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(oci, app, number):
    name = signal.Signals(number).name[3:]
    script = f"trap 'touch trapped; exit 42' {name}; echo ready; while :; do sleep 0.05; done"
    process = oci.start("preview", app, "--", "sh", "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 42, errors
    assert lines(output) == ["A trapped"]


def test_an_interactive_shell_has_job_control(oci, app):
    """Keys of the terminal reach the command in the foreground, not preview."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PS1"] = ""
        os.execv(oci.path, oci.words("preview", app, "--", "bash", "--norc", "--noprofile", "-i"))
    seen = b""

    def read_until(part):
        nonlocal seen
        while part not in seen:
            seen += os.read(terminal, 4096)
        seen = seen.split(part, 1)[1]

    try:
        os.write(terminal, b"echo rea''dy\n")
        read_until(b"ready")
        os.write(terminal, b"sh -c 'echo slee\"\"ping; exec sleep 100'\n")
        read_until(b"sleeping")
        os.write(terminal, b"\x03")
        os.write(terminal, b"echo go''es on; touch typed; exit 5\n")
        read_until(b"goes on")
        read_until(b" typed\r\n")
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 5


def test_sigkill_leaves_only_what_gc_collects(oci, app):
    process = oci.start("preview", app, "--", "sh", "-c",
                        "touch written; echo $$; exec sleep 1000")
    command = int(process.stdout.readline())
    assert [one["state"] for one in oci.sessions()] == ["running"]
    assert oci.run("session", "gc").stdout == "removed 0, kept 1\n"
    process.kill()
    process.communicate()
    wait_for(lambda: not pathlib.Path(f"/proc/{command}").exists(), "the command outlived preview")
    assert [one["state"] for one in oci.sessions()] == ["over"]
    assert oci.run("session", "gc").stdout == "removed 1, kept 0\n"


def test_several_at_once(oci, app):
    running = [oci.start("preview", app, "--json", "--", "sh", "-c", f"echo {i} > mine; ls")
               for i in range(6)]
    for process in running:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert [one["path"] for one in json.loads(output)["changes"]] == ["mine"]
