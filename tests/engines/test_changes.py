"""What containers wrote, told by `oci-cnb session diff` afterwards."""

import json
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

    def run(script):
        name = f"lab-{uuid.uuid4().hex[:8]}"
        names.append(name)
        request = ask(Probe().add("script", script).script())
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
