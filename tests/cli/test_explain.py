"""`oci-cnb explain`, and what is said of a wrong command line."""

import json
import os
import pathlib
import pty
import shutil
import subprocess

import pytest

LINES = """\
2026-01-02T03:04:05Z oci-cnb-createruntime aaaa1111 error ids: the process (uid 7, gid 7) could not write its workspace: x
2026-01-02T03:04:06Z oci-cnb-createruntime bbbb2222@n-work error scratch: mkdirat: No space left on device; make room where scratch is
2026-01-02T03:04:07Z oci-cnb-createruntime bbbb2222@n-work info served
"""


@pytest.fixture
def log(oci):
    """Two containers that were refused."""
    path = oci.store / "log/hooks.log"
    for folder in (oci.store, oci.store / "sessions", oci.store / "trash", path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    before = path.read_text() if path.exists() else None
    path.write_text(LINES)
    yield
    path.unlink() if before is None else path.write_text(before)


def explain(oci, *words):
    return oci.run("explain", *words)


def test_the_last_failure(oci, log):
    shown = explain(oci).stdout
    assert shown.startswith(LINES.splitlines()[1] + "\n\nmake room where scratch is\n     why:  ")
    assert shown.count("     mend: ") == 1


@pytest.mark.parametrize("wanted, code", [("aaaa", "ids"), ("bbbb2222", "scratch"), ("work", "scratch")])
def test_of_a_container_or_session(oci, log, wanted, code):
    assert f" error {code}: " in explain(oci, wanted).stdout


@pytest.mark.parametrize("wanted", ["28", "ids"])
def test_a_code(oci, wanted):
    shown = explain(oci, wanted).stdout
    assert shown.startswith("ids: the container's process could not write its workspace.\n"
                            "a hook exits with 28, oci-cnb with 4\n\ncould not write its workspace\n")
    assert shown.count("     why:  ") == shown.count("     mend: ") >= 3
    assert "`" not in shown and "](" not in shown


def test_what_is_neither(oci, log):
    shown = explain(oci, "anotation")
    assert shown.returncode == 2
    assert shown.stderr == ('oci-cnb: usage: neither a code nor a container in the log: "anotation"; '
                            'did you mean "annotation"?\n')


def test_a_log_that_has_nothing_of_it(oci, log):
    shown = oci.run("session", "log", "anotation")
    assert shown.stdout == "" and shown.stderr == 'oci-cnb: the log has nothing of "anotation"\n'


def test_no_failure(oci, log):
    (oci.store / "log/hooks.log").write_text(LINES.splitlines()[2] + "\n")
    shown = explain(oci)
    assert shown.returncode == 0 and "has not opted in" in shown.stdout and "`oci-cnb doctor`" in shown.stdout


def test_a_report_has_what_there_is(cnb, log):
    shown = cnb.run("doctor", "--report")
    report = json.loads(shown.stdout)
    assert shown.returncode == (0 if report["ok"] else 1)
    assert report["kernel"].startswith(f"Linux {os.uname().release} ") and "Debian" in report["distribution"]
    assert len(report["settings"]) == 12 and report["sessions"] == []
    assert report["log"][-3:] == LINES.splitlines()
    assert {one["check"] for one in report["findings"]} >= {"kernel-overlay", "scratch", "engines"}


def test_a_report_tells_what_it_cannot_have(cnb, tmp_path):
    system = os.geteuid() == 0
    file = pathlib.Path("/etc" if system else pathlib.Path.home() / ".config", "oci-cnb-hooks/config.toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('log = "loud"\n')
    try:
        report = json.loads(cnb.run("doctor", "--report").stdout)
    finally:
        shutil.rmtree(file.parent)
    assert not report["ok"]
    for part in ("settings", "sessions", "log"):
        assert 'settings: log is "loud"; ' in report[part]["error"]


@pytest.mark.parametrize("words", [("--json",), (".",)])
def test_a_report_is_all_or_nothing(oci, words):
    shown = oci.run("doctor", "--report", *words)
    assert shown.returncode == 2 and "excludes --report" in shown.stderr and "`oci-cnb doctor --help`" in shown.stderr


USAGE = {
    "no group": (["log"], "unknown command \"log\"; oci-cnb; did you mean `oci-cnb session log`?"),
    "a command": (["docter"], "did you mean `oci-cnb doctor`?"),
    "an option": (["session", "list", "--jsn"], "did you mean `--json`?"),
    "an engine": (["install", "poodman"], 'did you mean "podman"?'),
    "a role": (["run", "--role", "Dev", ".", "--", "true"], 'did you mean "dev"?'),
    "an option behind what is missing": (["context", "masks", "--ignorefile", "x"], "did you mean `--ignore-file`?"),
    "the group alone": (["session"], "a command is missing; oci-cnb session; use one of list, gc, "),
    "no --": (["run", ".", "ls"], "one word too many: \"ls\"; oci-cnb run; write a command behind --: "
                                  "`oci-cnb run DIR -- ls`"),
    "help": (["help"], "did you mean `oci-cnb --help`?"),
}


@pytest.mark.parametrize("name", USAGE)
def test_a_wrong_command_line(oci, name):
    words, told = USAGE[name]
    shown = oci.run(*words)
    assert shown.returncode == 2 and shown.stdout == ""
    assert shown.stderr.startswith("oci-cnb: usage: ") and told in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_no_word_at_all(oci):
    shown = oci.run()
    assert shown.returncode == 2 and shown.stdout == ""
    assert shown.stderr == oci.run("--help").stdout


def on_a_terminal(words, **variables):
    master, slave = pty.openpty()
    subprocess.run(words, stdout=slave, check=True, env={**os.environ, **variables})
    os.close(slave)
    shown = os.read(master, 65536)
    os.close(master)
    return shown


def test_colours_are_for_terminals_and_can_be_refused(oci):
    words = oci.words("explain", "ids")
    assert b"\033[" in on_a_terminal(words, NO_COLOR="")
    assert b"\033[" not in on_a_terminal(words, NO_COLOR="1")
    assert "\033[" not in oci.run("explain", "ids").stdout
