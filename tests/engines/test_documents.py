"""The programs called directly: broken documents, unknown keys, words of every message."""

import json
import subprocess

import pytest

from kit.checks import EXIT_CODES
from kit.engine import execute

MOUNT_HOOKS = ("oci-cnb-createruntime", "oci-cnb-prestart")
STATE_HOOKS = (*MOUNT_HOOKS, "oci-cnb-poststop")


def config(annotations=None, **process):
    return {
        "ociVersion": "1.0.2",
        "process": {"args": ["sh"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                    **process},
        "root": {"path": "rootfs"},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/workspace", "type": "bind", "source": "/src", "options": ["rbind"]},
        ],
        "annotations": {"io.cnb.hooks.role": "dev"} if annotations is None else annotations,
        "x-unknown": {"big": 18446744073709551615, "z": 1, "a": [1.5, None, "\u00fc\n"]},
    }


def run(programs, name, document):
    stdin = document if isinstance(document, bytes) else json.dumps(document).encode()
    return execute([programs[name]], stdin=stdin, env={"LD_PRELOAD": "/nowhere.so"})


def failure(result, name, code):
    """One line on stderr, the code's exit status, nothing on stdout."""
    assert result.status == EXIT_CODES[code], str(result)
    assert result.stdout == b""
    lines = [line for line in result.stderr.splitlines() if "ld.so" not in line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith(f"{name}: {code}: "), lines[0]
    return lines[0]


BROKEN = {
    "empty": b"",
    "truncated": b'{"ociVersion": "1.0.2", "id": "x", "pid": 1, "bundle": "/nowhere", "status"',
    "list": b"[]",
    "number": b"42",
    "nul": b"\0" * 100,
    "utf8": b'{"id": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "types": b'{"ociVersion": 1, "id": [], "pid": "1", "bundle": {}, "status": null}',
    "no-bundle": b'{"ociVersion": "1.0.2", "id": "x", "pid": 1, "status": "created"}',
    "huge": b'{"id": "' + b"x" * (8 << 20) + b'"}',
    "trailing": b'{"ociVersion": "1.0.2", "id": "x", "pid": 1, "bundle": "/b", "status": "created"}}',
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
@pytest.mark.parametrize("name", STATE_HOOKS)
def test_broken_state(programs, name, kind):
    failure(run(programs, name, BROKEN[kind]), name, "state")


@pytest.mark.parametrize("name", MOUNT_HOOKS)
def test_state_with_a_bundle_that_is_not_there(programs, name):
    state = {"ociVersion": "1.0.2", "id": "x", "pid": 1, "bundle": "/no/bundle", "status": "created",
             "annotations": {"io.cnb.hooks.role": "dev"}}
    line = failure(run(programs, name, state), name, "config")
    assert "/no/bundle" in line


@pytest.mark.parametrize("kind", ["empty", "truncated", "list", "number", "nul", "deep", "utf8"])
def test_broken_config(programs, kind):
    document = BROKEN[kind].replace(b'"id": "x"', b'"process": {}')
    failure(run(programs, "oci-cnb-precreate", document), "oci-cnb-precreate", "config")


def test_poststop_of_an_unknown_container(programs):
    state = {"ociVersion": "1.0.2", "id": "nobody", "pid": 0, "bundle": "/no/bundle",
             "status": "stopped"}
    result = run(programs, "oci-cnb-poststop", state)
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")


def test_not_opted_in_is_byte_for_byte_the_same(programs):
    """Spacing, order of keys, escapes and numbers of an engine that writes JSON in its own way."""
    text = json.dumps(config(annotations={}), indent=3).replace("/", "\\/").encode() + b"\n\n"
    result = run(programs, "oci-cnb-precreate", text)
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == text


def test_precreate_changes_what_it_must(programs):
    before = config()
    result = run(programs, "oci-cnb-precreate", before)
    assert (result.status, result.stderr) == (0, ""), str(result)
    after = json.loads(result.stdout)
    assert after["process"]["cwd"] == "/workspace"
    assert after["process"]["env"][:1] == ["PATH=/bin"], "podman keeps indexes into env"
    assert "CNB_PLATFORM_API=0.12" in after["process"]["env"]
    assert list(after) == list(before)
    for key in ("root", "mounts", "x-unknown", "ociVersion"):
        assert after[key] == before[key]


def test_precreate_is_idempotent(programs):
    once = run(programs, "oci-cnb-precreate", config()).stdout
    assert run(programs, "oci-cnb-precreate", once).stdout == once


# (key, value, words that the message must have)
BAD_ANNOTATIONS = [
    ("rol", "dev", ["io.cnb.hooks.rol", "io.cnb.hooks.role"]),
    ("role", "developer", ["developer", "dev"]),
    ("role", "", ["role"]),
    ("role", "dev\nx", ["\\n"]),
    ("workspace", "overlays", ["overlay"]),
    ("workspace-path", "workspace", ["workspace-path"]),
    ("workspace-path", "/a/../../b", ["workspace-path"]),
    ("workspace-path", "/", ["workspace-path"]),
    ("ignore-file", "/etc/passwd", ["ignore-file"]),
    ("ignore-file", "../secret", ["ignore-file"]),
    ("session", "../../etc", ["session"]),
    ("session", "x" * 65, ["session"]),
    ("session", "-x", ["session"]),
    ("scratch", "tmpfs:lots", ["scratch"]),
    ("scratch", "/dev/sda", ["scratch"]),
    ("platform-api", "1", ["platform-api"]),
    ("experimental-mode", "wran", ["warn"]),
    ("cwd", "enforced", ["enforce"]),
    ("enforce", "stric", ["strict"]),
    ("log", "trace", ["debug"]),
    ("upper", "/etc", ["io.cnb.hooks.upper"]),
    ("source", "/etc", ["io.cnb.hooks.source"]),
]


@pytest.mark.parametrize(("key", "value", "words"), BAD_ANNOTATIONS)
def test_bad_annotation(programs, key, value, words):
    annotations = {"io.cnb.hooks.role": "dev", f"io.cnb.hooks.{key}": value}
    result = run(programs, "oci-cnb-precreate", config(annotations=annotations))
    line = failure(result, "oci-cnb-precreate", "annotation")
    for word in words:
        assert word in line


def test_hook_reads_all_of_stdin_before_it_fails(programs):
    """A runtime that gets EPIPE while it writes the document hides our message (crun)."""
    document = b"[" + b" " * (1 << 20)
    with subprocess.Popen(
        [programs["oci-cnb-createruntime"]], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={}
    ) as process:
        process.stdin.write(document)  # BrokenPipeError, if it didn't
        process.stdin.close()
        stderr = process.stderr.read()
        assert process.wait(10) == EXIT_CODES["state"]
    assert stderr.startswith(b"oci-cnb-createruntime: state: ")


def test_closed_standard_descriptors(programs):
    """Started without stdin, stdout, stderr: no message of ours lands in a document or socket."""
    command = f"exec {programs['oci-cnb-createruntime']} <&- >&- 2>&-"
    assert execute(["sh", "-c", command], env={}).status == EXIT_CODES["state"]
