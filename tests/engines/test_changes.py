"""What containers wrote, told by `oci-cnb session diff` afterwards."""

import json
import tarfile
import uuid

import pytest

from kit.checks import started
from kit.engine import execute, must
from kit.probe import Probe

SCRIPT = """
cd /workspace
echo more >> README.md; rm src/main.c; rm -r packages; mkdir -p made/deep; echo x > made/deep/file
chmod 755 docs/public.secret; rm link; mkdir link; echo x > link/in
mkdir node_modules; echo mine > node_modules/mine; rm -r logs; mkdir logs; echo new > logs/new
ln README.md again; touch src/keep.tmp; printf x > "odd/mine
line"; ln -sfn elsewhere up
"""
EXPECTED = {
    ("M", "README.md"), ("D", "src/main.c"), ("D", "packages/"), ("A", "made/"),
    ("M", "docs/public.secret"), ("T", "link/"), ("A", "node_modules/"), ("A", "logs/new"),
    ("D", "logs/keep.log"), ("A", "again"), ("A", "odd/mine\nline"), ("M", "up"),
}


@pytest.fixture
def after(podman, hooks, ask):
    """after(script): a stopped container of this script; the name of its session. Removed at the
    end, and its scratch with it."""
    names = []

    def run(script, **fields):
        name = f"lab-{uuid.uuid4().hex[:8]}"
        names.append(name)
        request = ask(Probe().add("script", script).script(), **fields)
        must(podman.command(hooks, "create", "--name", name, *podman.create_options(request)))
        facts = started(podman.call(hooks, "start", "--attach", name))
        assert facts.status("script") == 0, facts.text("script")
        inspected = must(["podman", "inspect", "--format", "{{.Id}}", name])
        return "c-" + inspected.stdout.decode().strip()

    yield run
    for name in names:
        podman.call(None, "rm", "--force", "--time", "0", name)
    started(podman.run(ask(Probe().script()), hooks))


@pytest.fixture
def oci(programs):
    def run(*words, **options):
        return execute([programs["oci-cnb"], *words], **options)

    return run


def test_diff_of_a_stopped_container(after, oci):
    session = after(SCRIPT)
    result = oci("session", "diff", session, "--json")
    assert result.status == 0, result.stderr
    changes = json.loads(result.stdout)
    assert {(one["status"], one["path"]) for one in changes} == EXPECTED
    told = {one["path"]: one for one in changes}
    assert told["made/"]["entries"] == 2
    assert told["docs/public.secret"]["old_mode"] == "0644"
    assert told["docs/public.secret"]["contents"] is False
    assert told["again"]["hard_link"] == "README.md" or told["README.md"]["hard_link"] == "again"
    assert told["link/"]["old_type"] == "link"
    lines = oci("session", "diff", session, "-0").stdout.split(b"\0")
    assert b"A odd/mine\nline" in lines and lines[-1] == b""
    assert b'A "odd/mine\\nline"\n' in oci("session", "diff", session).stdout


def test_nothing_written_is_no_change(after, oci):
    result = oci("session", "diff", after("find /workspace -type f -exec cat {} + >/dev/null"))
    assert (result.status, result.stdout) == (0, b"")


def test_export_is_a_layer_that_others_read(after, oci, tmp_path):
    session = after(SCRIPT)
    env = {"SOURCE_DATE_EPOCH": "1000000000"}
    first = oci("session", "export", session, env=env)
    assert (first.status, first.stderr) == (0, "")
    archive = tmp_path / "layer.tar"
    assert oci("session", "export", session, "--output", archive, env=env).status == 0
    assert archive.read_bytes() == first.stdout, "equal changes are equal bytes"
    assert [path.name for path in tmp_path.iterdir()] == ["layer.tar"]
    with tarfile.open(archive) as tar:
        members = {one.name: one for one in tar.getmembers()}
    assert {"src/.wh.main.c", ".wh.packages", "logs/.wh..wh..opq", "logs/new", "made/deep/file",
            "node_modules/mine", "link/in"} <= set(members)
    assert "logs/.wh.keep.log" not in members, "the opaque mark says it"
    assert "src/keep.tmp" not in members, "it was only touched"
    assert members["again"].islnk() or members["README.md"].islnk()
    assert max(one.mtime for one in members.values()) == 1_000_000_000
    assert {(one.uid, one.gid) for one in members.values()} == {(0, 0)}
    image = must(["podman", "import", "--quiet", "-"], stdin=first.stdout).stdout.decode().strip()
    must(["podman", "rmi", image])
    must(["tar", "-xf", archive, "-C", tmp_path])
    assert (tmp_path / "README.md").read_bytes().endswith(b"more\n")
    assert (tmp_path / "again").samefile(tmp_path / "README.md")
    assert (tmp_path / "odd/mine\nline").read_text() == "x"


def test_export_of_long_names_attributes_and_what_no_layer_holds(after, oci, tmp_path):
    session = after("cd /workspace; p=$(printf 'd%.0s' $(seq 120)); mkdir -p $p/$p; echo x > $p/$p/f; "
                    "ln -s $p/$p/f long; touch .wh.mine; mkfifo pipe; chmod 4755 README.md")
    result = oci("session", "export", session)
    assert result.status == 1 and '".wh.mine"' in result.stderr
    (tmp_path / "layer.tar").write_bytes(result.stdout)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        members = {one.name: one for one in tar.getmembers()}
        deep = "d" * 120 + "/" + "d" * 120 + "/f"
        assert tar.extractfile(deep).read() == b"x\n"
    assert members["long"].linkname == deep
    assert members["pipe"].isfifo() and members["README.md"].mode == 0o4755


def test_equal_work_in_two_sessions_is_equal_bytes(after, oci):
    env = {"SOURCE_DATE_EPOCH": "0"}
    first, second = (oci("session", "export", after(SCRIPT), env=env) for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    assert first.stdout == second.stdout


@pytest.mark.rootless
def test_export_has_the_owners_that_the_container_saw(after, oci, tmp_path):
    """Under keep-id the user on the host is another than root inside."""
    session = after("cd /workspace; echo x > mine; mkdir d; echo y >> README.md", image="user1001",
                    options=("--userns=keep-id:uid=1001,gid=1001",))
    result = oci("session", "export", session)
    assert (result.status, result.stderr) == (0, "")
    (tmp_path / "layer.tar").write_bytes(result.stdout)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        owners = {one.name: (one.uid, one.gid) for one in tar.getmembers()}
    assert owners == {"README.md": (1001, 1001), "d": (1001, 1001), "mine": (1001, 1001)}


def test_wrong_use_is_told(oci, after):
    session = after("echo x > /workspace/x")
    for words, text in ((["diff", "nobody"], "no such session"), (["rm", "nobody"], "no such session"),
                        (["diff", "../sessions"], "session")):
        result = oci("session", *words)
        assert result.status == 4 and text in result.stderr
    result = oci("session", "export", session, env={"SOURCE_DATE_EPOCH": "soon"})
    assert (result.status, result.stdout) == (2, b"") and "SOURCE_DATE_EPOCH" in result.stderr
    assert oci("session", "rm", session).status == 0
    assert oci("session", "diff", session).status == 4
