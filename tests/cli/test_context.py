"""`oci-cnb context` as people call it."""

import json
import os
import pty

import pytest


@pytest.fixture
def ruled(tmp_path):
    """An application whose rules override each other, miss, and mean less than they look."""
    for name in ("README.md", "src/main.c", "src/other.c", "src/x.o", "build/out.o", "new\nline",
                 "node_modules/dep/index.js", "web/node_modules/dep.js"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    rules = "# of people\nnode_modules\n*.md\n!README.md\n**/*.o\nnosuch\n"
    (tmp_path / ".dockerignore").write_text(rules)
    return tmp_path


def on_terminal(words):
    """What a program writes to a terminal that is its stderr; its stdout is none."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.execv(words[0], words)
    text = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # EIO: the other end is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def test_list_and_masks_are_the_two_halves(oci, ruled):
    shown = oci.run("context", "list", ruled).stdout.splitlines()
    assert '"new\\nline"' in shown and "src/main.c" in shown and "web/node_modules/" in shown
    assert shown[:2] == [".dockerignore", "README.md"]
    hidden = oci.run("context", "masks", ruled).stdout.splitlines()
    assert hidden == ["build/out.o", "node_modules/", "src/x.o"]
    assert not set(shown) & set(hidden)


def test_zero_separates_names_as_they_are(oci, ruled):
    shown = oci.run("context", "list", "-0", ruled).stdout
    assert shown.endswith("\0") and "new\nline" in shown.split("\0")


def test_tree_draws_what_list_lists(oci, ruled):
    lines = oci.run("context", "list", "--tree", ruled).stdout.splitlines()
    at = lines.index("├── src/")
    assert lines[at + 1:at + 3] == ["│   ├── main.c", "│   └── other.c"]
    assert lines[-2:] == ["    └── node_modules/", "        └── dep.js"]
    assert len(lines) == len(oci.run("context", "list", ruled).stdout.splitlines())


@pytest.mark.parametrize("options", (["--tree", "-0"], ["--tree", "--json"], ["-0", "--json"]))
def test_outputs_that_exclude_each_other(oci, ruled, options):
    result = oci.run("context", "list", *options, ruled)
    assert result.returncode == 2 and "excludes" in result.stderr and result.stdout == ""


def test_explain_names_the_rule_and_the_one_it_overrides(oci, ruled):
    result = oci.run("context", "explain", ruled, "README.md", "node_modules/dep", "src/main.c",
                     "gone.md", "/src")
    assert result.stdout.splitlines() == [
        ".dockerignore:4:!README.md\tREADME.md\tvisible, overrides .dockerignore:3:*.md",
        ".dockerignore:2:node_modules\tnode_modules/dep\thidden, decided at node_modules",
        "::\tsrc/main.c\tvisible",
        ".dockerignore:3:*.md\tgone.md\thidden, doesn't exist",
        "::\t/src\tvisible",
    ]


def test_explain_without_a_file_names_the_policy(oci, ruled):
    (ruled / ".dockerignore").unlink()
    result = oci.run("context", "explain", ruled, "node_modules")
    assert result.stdout == "(default policy)::node_modules\tnode_modules\thidden\n"


def test_stats_show_what_each_rule_is_good_for(oci, ruled):
    stats = json.loads(oci.run("context", "stats", "--json", ruled).stdout)
    rules = {rule["pattern"]: rule for rule in stats["rules"]}
    assert rules["**/*.o"]["masks"] == 2 and rules["node_modules"]["masked_entries"] == 3
    assert [name for name, rule in rules.items() if rule["matched"] == 0] == ["nosuch"]
    text = oci.run("context", "stats", ruled).stdout
    assert [line for line in text.splitlines() if "matches nothing" in line] == [
        line for line in text.splitlines() if ":6:nosuch" in line
    ]
    hints = [line for line in text.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 1 and "web/node_modules" in hints[0] and "**/node_modules" in hints[0]


def test_progress_is_for_terminals_only(oci, ruled):
    many = ruled / "many"
    many.mkdir()
    for number in range(21000):
        (many / str(number)).touch()
    assert oci.run("context", "stats", ruled).stderr == ""
    status, text = on_terminal(oci.words("context", "stats", ruled))
    assert status == 0 and b"20000 entries" in text
    assert text.endswith(b"\r\x1b[K"), "the line is wiped at the end"


def test_a_bad_pattern_is_named_with_its_line(oci, ruled):
    (ruled / ".dockerignore").write_text("fine\n\na[b\n")
    result = oci.run("context", "list", ruled)
    assert result.returncode != 0 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for part in ('"a[b"', '".dockerignore":3', "isn't closed", "write \\["):
        assert part in result.stderr
