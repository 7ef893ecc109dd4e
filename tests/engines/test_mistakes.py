"""The likeliest mistakes of somebody new, made with podman as it is typed: what the terminal shows, what the line
says to which it leads (`oci-cnb session log`), and that the pages have it.

Nothing here is about hostile input, which is in test_refusals.py and tests/faults.
"""

import dataclasses
import os
import pathlib
import re
import shutil

import pytest

from kit import source as tree
from kit.engine import execute, must
from kit.heard import heard
from kit.hooks import INSTALLED, Hooks, stage_copy
from kit.podman import Podman

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ROLE = ("--annotation", "io.cnb.hooks.role=dev")
HOOK_FAILED = re.compile(r"exit (?:status|code:?) (\d+)")


def page(*parts):
    return CHECKOUT.joinpath(*parts).read_text()


@dataclasses.dataclass
class Shown:
    """What the terminal shows, and the last line of the log if there is a new one."""

    status: int
    text: str
    line: str

    def __str__(self):
        return f"exit {self.status}\n--- terminal\n{self.text}\n--- log\n{self.line}"


class Terminal:
    """podman with crun, and `oci-cnb` of the same directory."""

    def __init__(self, hooks, programs, source):
        self.hooks = hooks
        self.source = source
        self._oci = programs["oci-cnb"]

    def oci(self, *words):
        return execute([self._oci, *words])

    def _log(self):
        return self.oci("session", "log").stdout.decode().splitlines()

    def podman(self, *words):
        before = self._log()
        options = self.hooks.podman_options() if self.hooks else []
        result = execute(["podman", "--runtime", "crun", *options, *words], cwd=self.source)
        new = self._log()[len(before):]
        return Shown(result.status, result.stdout.decode() + result.stderr, new[-1] if new else "")

    def run(self, *options, volume=None, command=("ls", "-A", "/workspace")):
        """volume: what stands behind -v; the source at /workspace unless it is given, none if it is empty."""
        volume = f"{self.source}:/workspace" if volume is None else volume
        mount = ("--volume", volume) if volume else ()
        words = ("run", "--rm", "--network", "none", *options, *mount, Podman.image("basic"), *command)
        return heard(lambda: self.podman(*words),
                     lambda shown: shown.status == 0 and command[0] == "ls" and not shown.text)


@pytest.fixture
def terminal(hooks, programs, source, engines):
    return Terminal(hooks, programs, source)


def explained(shown, code, *fragments):
    """The container didn't run, the terminal has the code's number, the line what, where and what to do, and the
    page of errors has that message in that section."""
    assert shown.status in (125, 126, 127), shown
    number, section = section_of(code)
    told = HOOK_FAILED.search(shown.text)
    assert told and told.group(1) == number, shown
    assert f" error {code}: " in shown.line, shown
    for fragment in fragments:
        assert fragment in shown.line, f"{fragment!r}: {shown}"
    messages = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert any(message in shown.line for message in messages), f"errors.md hasn't {shown.line}"


def section_of(code):
    """(exit code of a hook, text) of a code in the page of errors."""
    text = re.search(rf"^## {code}\n(.*?)(?=^## |\Z)", page("packaging", "doc", "errors.md"),
                     re.MULTILINE | re.DOTALL).group(1)
    return re.search(r"\d+", text).group(), text


# --- refused, with what is typed ------------------------------------------------------------------

TYPED = {
    "misspelt key": (["--annotation", "io.cnb.hooks.rol=dev"], "annotation", 'did you mean "io.cnb.hooks.role"?'),
    "unknown role": (["--annotation", "io.cnb.hooks.role=development"], "annotation",
                     "use one of dev, build, detect, launch"),
    "a role in capitals": (["--annotation", "io.cnb.hooks.role=Dev"], "annotation", 'did you mean "dev"?'),
    "a size in megabytes": ([*ROLE, "--annotation", "io.cnb.hooks.scratch=tmpfs:64MB"], "annotation",
                            "for example tmpfs:512m"),
    "a session of two words": ([*ROLE, "--annotation", "io.cnb.hooks.session=my app"], "annotation",
                               'letters, digits, "_", "." and "-"'),
    "a session with a slash": ([*ROLE, "--annotation", "io.cnb.hooks.session=me/app"], "annotation",
                               'letters, digits, "_", "." and "-"'),
    "a key with nothing behind it": (["--annotation", "io.cnb.hooks.role="], "annotation",
                                     "use one of dev, build, detect, launch"),
    "an ignore file by its full path": ([*ROLE, "--annotation", "io.cnb.hooks.ignore-file=/x/.dockerignore"],
                                        "annotation", "a path relative to the source"),
    "an ignore file that isn't there": ([*ROLE, "--annotation", "io.cnb.hooks.ignore-file=none"], "ignore-file",
                                        "relative to the source directory"),
    "build without a builder": (["--annotation", "io.cnb.hooks.role=build"], "layout", "use a builder image"),
    "a version that is none": ([*ROLE, "--env", "CNB_PLATFORM_API=latest"], "environment",
                               "--env CNB_PLATFORM_API=0.12"),
}


@pytest.mark.rootless
@pytest.mark.parametrize("name", TYPED)
def test_refused(terminal, name):
    options, code, remedy = TYPED[name]
    explained(terminal.run(*options), code, remedy)


@pytest.mark.rootless
@pytest.mark.parametrize("volume", ["", "{}:/app"], ids=["no mount", "mounted elsewhere"])
def test_no_source(terminal, volume):
    shown = terminal.run(*ROLE, volume=volume.format(terminal.source), command=("true",))
    explained(shown, "source", "nothing is mounted at /workspace", 'mount the source there: -v "$PWD:/workspace"',
              "or name its place with the annotation io.cnb.hooks.workspace-path")
    if volume:
        named = ("--annotation", "io.cnb.hooks.workspace-path=/app", "--workdir", "/app")
        assert "README.md" in terminal.run(*ROLE, *named, volume=volume.format(terminal.source),
                                           command=("ls", "/app")).text


@pytest.mark.rootless
def test_a_file_as_source(terminal):
    shown = terminal.run(*ROLE, volume=f"{terminal.source}/README.md:/workspace", command=("true",))
    explained(shown, "layout", "/workspace is not a directory")


@pytest.mark.rootless
def test_an_image_with_another_user(terminal):
    """The line has the option with which it works."""
    shown = terminal.run(*ROLE, "--user", "1001:1001")
    explained(shown, "ids", "could not write its workspace")
    option = re.search(r"--userns=\S+", shown.line).group()
    assert terminal.run(*ROLE, "--user", "1001:1001", option).status == 0


@pytest.mark.rootless
def test_a_broken_line(terminal, make_source):
    def fill(path):
        pathlib.Path(path, ".dockerignore").write_text("node_modules\n[a\n")

    terminal.source = make_source(fill=fill)
    explained(terminal.run(*ROLE), "ignore-file", 'bad pattern "[a"', '".dockerignore":2', "add the ]")


@pytest.mark.rootless
def test_an_ignore_file_from_powershell(terminal, make_source):
    """UTF-16, which would match nothing and hide nothing."""
    def fill(path):
        tree.make(path)
        pathlib.Path(path, ".dockerignore").write_text("node_modules\n", encoding="utf-16")

    terminal.source = make_source(fill=fill)
    explained(terminal.run(*ROLE), "ignore-file", "the ignore file is UTF-16", "save it as UTF-8")


@pytest.mark.rootless
def test_an_ignore_file_from_windows(terminal, make_source):
    """A byte order mark, and CR before LF, are no part of a pattern."""
    def fill(path):
        tree.make(path)
        pathlib.Path(path, ".dockerignore").write_bytes(b"\xef\xbb\xbfnode_modules\r\nsrc\r\n")

    terminal.source = make_source(fill=fill)
    shown = terminal.run(*ROLE)
    assert shown.status == 0 and {"node_modules", "src"}.isdisjoint(shown.text.split()), shown


@pytest.mark.rootless
def test_a_session_of_another_project(terminal, make_source, programs):
    session = ("--annotation", "io.cnb.hooks.session=mistaken")
    assert terminal.run(*ROLE, *session).status == 0
    try:
        shown = terminal.run(*ROLE, *session, volume=f"{make_source()}:/workspace")
        explained(shown, "session", "over another source", "name another one with the annotation io.cnb.hooks.session")
    finally:
        must([programs["oci-cnb"], "session", "rm", "n-mistaken"])


# --- not opted in, which nobody says --------------------------------------------------------------

UNFILTERED = {
    "a key of somebody else": ["--annotation", "io.cnb.hook.role=dev"],
    "a label": ["--label", "io.cnb.hooks.role=dev"],
    "the variable of oci-cnb-runtime": ["--env", "OCI_CNB_ROLE=dev"],
}


@pytest.mark.rootless
@pytest.mark.parametrize("name", UNFILTERED)
def test_not_opted_in(terminal, name):
    """Nobody calls us: the table of the README is where somebody finds why."""
    shown = terminal.run(*UNFILTERED[name])
    assert shown.status == 0 and "node_modules" in shown.text and not shown.line, shown
    row = re.search(r"^\| nothing: the container runs, unfiltered \|.*$", page("README.md"), re.MULTILINE).group()
    for word in ("`--annotation`", "`--label`", "`--env`", "`oci-cnb doctor`"):
        assert word in row


@pytest.mark.rootless
def test_an_annotation_but_no_role(terminal):
    shown = terminal.run("--annotation", "io.cnb.hooks.scratch=tmpfs")
    assert shown.status == 0 and "node_modules" in shown.text, shown
    assert 'warning not opted in: "io.cnb.hooks.scratch"' in shown.line, shown
    assert "add --annotation io.cnb.hooks.role=dev" in shown.line


@pytest.mark.rootless
def test_hooks_dir_of_another_file(terminal, programs):
    """A later file of containers.conf hides ours: `oci-cnb doctor` names it and what to add."""
    must([programs["oci-cnb"], "install", "podman", "--user"])
    later = pathlib.Path.home() / ".config/containers/containers.conf.d/99-zz.conf"
    terminal.hooks = None
    try:
        assert "node_modules" not in terminal.run(*ROLE).text
        later.write_text('[engine]\nhooks_dir = ["/var/empty"]\n')
        shown = terminal.run(*ROLE)
        assert shown.status == 0 and "node_modules" in shown.text and not shown.line, shown
        doctor = terminal.oci("doctor")
    finally:
        later.unlink(missing_ok=True)
        must([programs["oci-cnb"], "uninstall", "podman", "--user"])
    assert doctor.status == 1
    told = doctor.stdout.decode()
    assert f"podman doesn't call our hook in the stage createRuntime: it reads /var/empty (by {later})" in told
    assert f"to hooks_dir in {later}" in told


# --- half installed -------------------------------------------------------------------------------

@pytest.mark.rootless
def test_precreate_is_not_read(terminal, make_hooks):
    terminal.hooks = make_hooks("createRuntime", "poststop")
    explained(terminal.run(*ROLE), "environment", 'cwd is "/"', "`oci-cnb doctor` tells how")


@pytest.mark.rootless
@pytest.mark.parametrize("spoil", [pathlib.Path.unlink, lambda path: path.chmod(0o644)],
                         ids=["missing", "not executable"])
def test_the_mount_hook_cannot_be_run(terminal, programs, room, spoil):
    """crun passes over a hook whose program is missing: precreate doesn't."""
    copies = stage_copy(programs, room / "spoilt")
    for name in ("oci-cnb-createruntime", "oci-cnb-prestart"):
        spoil(copies[name])
    terminal.hooks = Hooks(room / "spoilt-hooks", copies, INSTALLED)
    try:
        explained(terminal.run(*ROLE), "environment", "install oci-cnb-hooks again")
        assert terminal.run().status == 0
    finally:
        shutil.rmtree(room / "spoilt")
        shutil.rmtree(room / "spoilt-hooks")


@pytest.mark.rootless
def test_an_old_kernel(terminal, programs, room):
    """Or one behind a filter: without the calls that mount, there is no workspace."""
    old = room / "old-kernel"
    old.mkdir(mode=0o755)
    launcher = CHECKOUT / "build/release/tests/kernels/lacking"
    for name, path in programs.items():
        (old / name).write_text(f'#!/bin/sh\nexec {launcher} mount,fsopen {path} "$@"\n')
        (old / name).chmod(0o755)
    terminal.hooks = Hooks(room / "old-kernel-hooks", {name: old / name for name in programs}, INSTALLED)
    try:
        explained(terminal.run(*ROLE), "system", "Function not implemented", "`oci-cnb doctor` tells which it needs")
        doctor = execute([old / "oci-cnb", "doctor"])
        assert doctor.status == 1
        for line in ("warn kernel-calls: .*lacks fsopen", "fail kernel-overlay: ", "     mend: .*Linux 5.11 or later"):
            assert re.search(f"^{line}", doctor.stdout.decode(), re.MULTILINE), doctor
    finally:
        shutil.rmtree(old)
        shutil.rmtree(room / "old-kernel-hooks")


# --- configuration --------------------------------------------------------------------------------

SETTINGS = {
    "unknown key": ('plattform-api = "0.12"\n', ":1; did you mean \"platform-api\"?"),
    "no quotes": ("# mine\nscratch = tmpfs\n", ":2; a line is KEY = \"VALUE\", in double quotes"),
    "unknown value": ('scratch = "disc"\n', ":1; give disk, tmpfs or tmpfs:SIZE"),
}


def told_by_the_log_itself(terminal, remedy):
    """Where the configuration can't be read nobody knows where the log is: the command says the same."""
    shown = terminal.run(*ROLE)
    assert shown.status == 126 and "exit status 23" in shown.text, shown
    asked = terminal.oci("session", "log")
    assert asked.status == 3 and asked.stderr.startswith("oci-cnb: settings: "), asked
    assert remedy in asked.stderr, asked


@pytest.mark.rootless
@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting(terminal, settings, name):
    text, remedy = SETTINGS[name]
    settings(text)
    told_by_the_log_itself(terminal, remedy)


@pytest.mark.rootless
def test_settings_that_others_can_write(terminal, settings):
    settings('log = "info"\n')
    path = pathlib.Path.home() / ".config/oci-cnb-hooks/config.toml"
    path.chmod(0o666)
    told_by_the_log_itself(terminal, "chown it to root or yourself and chmod it to 0644")


@pytest.mark.rootless
def test_scratch_inside_the_source(terminal, settings, room):
    terminal.source = room / "with-scratch"
    terminal.source.mkdir()
    settings(f'scratch-dir = "{terminal.source}/scratch"\n')
    try:
        explained(terminal.run(*ROLE), "scratch", "lies inside the source", "set scratch-dir in config.toml")
    finally:
        shutil.rmtree(terminal.source)


@pytest.mark.rootless
def test_scratch_that_cannot_be_made(terminal, settings):
    """There is no log either: the command that would show it says so, and who knows more."""
    settings('scratch-dir = "/nowhere/scratch"\n')
    shown = terminal.run(*ROLE)
    assert HOOK_FAILED.search(shown.text).group(1) == section_of("scratch")[0], shown
    asked = terminal.oci("session", "log")
    assert 'no hook has written to "/nowhere/scratch" yet; oci-cnb doctor tries it' in asked.stderr
    doctor = terminal.oci("doctor").stdout.decode()
    assert re.search(r"^fail scratch: /nowhere/scratch", doctor, re.MULTILINE), doctor
    by_hand = terminal.oci("preview", terminal.source, "--", "true")
    assert by_hand.stderr.startswith('oci-cnb: scratch: mkdirat: '), by_hand
    assert '"/nowhere"' in by_hand.stderr and "or set scratch-dir" in by_hand.stderr


@pytest.fixture
def small(room):
    """A file system of 256 KiB."""
    path = room / "small"
    path.mkdir()
    must(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", path])
    yield path
    must(["umount", path])
    path.rmdir()


@pytest.mark.rootful
def test_a_full_disk(terminal, settings, small):
    settings(f'scratch-dir = "{small}"\n')
    assert terminal.run(*ROLE).status == 0
    written = terminal.run(*ROLE, command=("dd", "if=/dev/zero", "of=/workspace/big", "bs=4k", "count=1000"))
    assert written.status == 1 and "No space left on device" in written.text, written
    (small / "fill").write_bytes(bytes(os.statvfs(small).f_bavail * 4096))
    shown = terminal.run(*ROLE)
    assert HOOK_FAILED.search(shown.text).group(1) == section_of("scratch")[0], shown
    by_hand = terminal.oci("preview", terminal.source, "--", "true")
    assert by_hand.status == 4 and "No space left on device" in by_hand.stderr, by_hand
    assert "make room where scratch is" in by_hand.stderr
    assert re.search(r"^fail scratch: .*No space left on device", terminal.oci("doctor").stdout.decode(), re.MULTILINE)
    (small / "fill").unlink()
    assert terminal.run(*ROLE).status == 0


# --- works, though perhaps not as meant -----------------------------------------------------------

@pytest.mark.rootless
def test_no_ignore_file(terminal, make_source):
    """What stands in for it hides node_modules, not what .gitignore names."""
    def fill(path):
        tree.make(path)
        for name in (".dockerignore", ".localdignore", "project.toml"):
            pathlib.Path(path, name).unlink(missing_ok=True)
        pathlib.Path(path, ".gitignore").write_text("src\n")

    terminal.source = make_source(fill=fill)
    shown = terminal.run(*ROLE)
    assert shown.status == 0 and "src" in shown.text.split() and "node_modules" not in shown.text.split(), shown


@pytest.mark.rootless
def test_a_volume_by_a_bare_word(terminal):
    """podman makes an empty volume of that name, and says nothing; its page does."""
    try:
        shown = terminal.run(*ROLE, volume="project:/workspace")
        assert shown.status == 0 and not shown.text, shown
    finally:
        must(["podman", "volume", "rm", "project"])
    assert "a bare word is the name of a volume" in page("packaging", "doc", "podman.md")
    dotted = terminal.run(*ROLE, volume=".:/workspace")
    assert "README.md" in dotted.text and "node_modules" not in dotted.text.split(), dotted


@pytest.mark.rootless
def test_podmans_own_overlay_below_ours(terminal):
    shown = terminal.run(*ROLE, volume=f"{terminal.source}:/workspace:O",
                         command=("sh", "-c", "echo x > made; ls -A"))
    assert shown.status == 0 and "made" in shown.text and "node_modules" not in shown.text.split(), shown


@pytest.mark.rootless
@pytest.mark.parametrize("options", ["z", "U"])
def test_other_options_of_a_volume(terminal, options):
    """Labels are podman's business; of `U` its page warns, since podman gives the files to another owner itself."""
    shown = terminal.run(*ROLE, volume=f"{terminal.source}:/workspace:{options}")
    assert shown.status == 0 and "README.md" in shown.text and "node_modules" not in shown.text.split(), shown
    assert "| `-v DIR:/workspace:U` | leave the `U` out" in page("packaging", "doc", "podman.md")


@pytest.mark.rootless
def test_a_user_of_ones_own(terminal):
    shown = terminal.run(*ROLE, "--userns=keep-id", command=("touch", "made"))
    assert shown.status == 0 and not shown.text, shown


@pytest.mark.rootless
def test_rules_that_exclude_everything(terminal, make_source):
    """An empty workspace; the table of the README asks what the rules mask."""
    def fill(path):
        tree.make(path)
        pathlib.Path(path, ".dockerignore").write_text("*\n")

    terminal.source = make_source(fill=fill)
    shown = terminal.run(*ROLE)
    assert shown.status == 0 and not shown.text.strip(), shown
    assert b"src/" in terminal.oci("context", "masks", terminal.source).stdout.splitlines()
    row = re.search(r"^\| nothing: `/workspace` is empty \|.*$", page("README.md"), re.MULTILINE).group()
    assert "a line `*`" in row and "`oci-cnb context masks .`" in row


@pytest.mark.rootless
def test_another_working_directory(terminal):
    """The role wins over --workdir; who means it says so."""
    words = (*ROLE, "--workdir", "/workspace/src")
    assert terminal.run(*words, command=("pwd",)).text == "/workspace\n"
    kept = terminal.run(*words, "--annotation", "io.cnb.hooks.cwd=keep", command=("pwd",))
    assert kept.text == "/workspace/src\n", kept
    assert "`--annotation io.cnb.hooks.cwd=keep`" in page("packaging", "doc", "podman.md")


@pytest.mark.rootless
def test_the_last_failure_explained(terminal):
    """What every refusal leads to."""
    shown = terminal.run(*ROLE, volume="")
    told = terminal.oci("explain").stdout.decode()
    assert told.startswith(shown.line + "\n\nnothing is mounted at\n     why:  no bind mount at /workspace\n")


@pytest.mark.rootless
def test_a_source_that_is_read_only(terminal):
    """`:ro` is what was asked for: the container is told by the kernel."""
    shown = terminal.run(*ROLE, volume=f"{terminal.source}:/workspace:ro", command=("touch", "made"))
    assert shown.status == 1 and "Read-only file system" in shown.text, shown


@pytest.mark.rootless
def test_a_root_that_is_read_only(terminal):
    assert terminal.run(*ROLE, "--read-only", command=("touch", "made")).status == 0


@pytest.mark.rootless
@pytest.mark.parametrize("volume", ["{0}:/workspace", "{0}/src:/workspace"], ids=["the same", "another"])
def test_two_mounts_at_the_workspace(terminal, volume):
    shown = terminal.run(*ROLE, "--mount", "type=tmpfs,dst=/workspace", volume=volume.format(terminal.source))
    assert shown.status == 125 and "/workspace: duplicate mount destination" in shown.text, shown


@pytest.mark.rootless
def test_a_source_that_is_not_there(terminal):
    shown = terminal.run(*ROLE, volume=f"{terminal.source}/absent:/workspace")
    assert shown.status == 125 and "absent: no such file or directory" in shown.text, shown
