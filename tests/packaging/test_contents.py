"""What is in the package, and what engines will make of it."""

import json
import pathlib
import re
import stat
import struct
import subprocess

# oci-hooks(5), schema 1.0.0, without podman's own stage: what buildah, CRI-O and others know.
SHARED_STAGES = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                 "poststop"}


def documents(unpacked, pattern="*.json"):
    return {path: json.loads(path.read_text()) for path in unpacked.rglob(pattern)}


def test_no_dependency(unpacked):
    control = (unpacked / "DEBIAN/control").read_text()
    assert not re.search(r"^(Pre-)?Depends:", control, re.MULTILINE)
    assert "Recommends: podman | crun | runc\n" in control


def has_interpreter(program):
    """Whether an ELF file of 64 bits names a dynamic loader (elf(5), PT_INTERP)."""
    data = program.read_bytes()
    assert data[:5] == b"\x7fELF\x02"
    offset, size, count = struct.unpack_from("<Q14xHH", data, 32)
    return any(struct.unpack_from("<I", data, offset + i * size)[0] == 3 for i in range(count))


def test_programs_are_self_contained(unpacked):
    programs = [*(unpacked / "usr/bin").iterdir(),
                *(unpacked / "usr/libexec/oci-cnb-hooks").iterdir()]
    assert len(programs) == 9
    assert has_interpreter(pathlib.Path("/bin/sh").resolve()), "the check finds nothing"
    for program in programs:
        assert not has_interpreter(program), program


def test_owners_and_modes(deb):
    listing = subprocess.run(["dpkg-deb", "-c", deb], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert mode[5] == mode[8] == "-", f"writable by others: {line}"
        is_program = "/oci-cnb-hooks/oci-cnb-" in line or "/usr/bin/oci-cnb" in line
        assert (mode[9] == "x") == (is_program or mode[0] == "d"), line


def test_everything_in_etc_is_a_conffile(unpacked):
    listed = (unpacked / "DEBIAN/conffiles").read_text().split()
    found = ["/" + str(path.relative_to(unpacked)) for path in (unpacked / "etc").rglob("*")
             if path.is_file()]
    assert sorted(listed) == sorted(found)


def test_maintainer_scripts(unpacked):
    for name in ("prerm", "postrm"):
        script = unpacked / "DEBIAN" / name
        assert stat.S_IMODE(script.stat().st_mode) == 0o755
        subprocess.run(["sh", "-n", script], check=True)


def test_prerm_removes_every_file_that_calls_us(unpacked):
    text = (unpacked / "DEBIAN/prerm").read_text()
    for path in documents(unpacked):
        assert "/" + str(path.relative_to(unpacked)) in text


def test_json_schema(unpacked):
    found = documents(unpacked)
    assert len(found) == 3
    found |= documents(unpacked, "*.json.example")
    for path, document in found.items():
        assert set(document) == {"version", "hook", "when", "stages"}, path
        assert document["version"] == "1.0.0"
        hook = document["hook"]
        assert set(hook) == {"path", "args", "env", "timeout"}
        program = unpacked / hook["path"].lstrip("/")
        assert program.is_file() and program.stat().st_mode & stat.S_IXOTH
        assert hook["args"] == [program.name]
        assert hook["env"] == ["PATH=/usr/bin:/bin"]
        assert hook["timeout"] > 0
        (stage,) = document["stages"]
        assert program.name == f"oci-cnb-{stage.lower()}"


def test_when_matches_all_annotations_of_ours_and_no_other(unpacked):
    for document in [*documents(unpacked).values(),
                     *documents(unpacked, "*.json.example").values()]:
        assert set(document["when"]) == {"annotations"}
        ((key, value),) = document["when"]["annotations"].items()
        assert key.startswith("^") and key.endswith("$")
        for ours in ("role", "rol", "role/container.app", "x y"):
            assert re.search(key, f"io.cnb.hooks.{ours}")
        for other in ("io.cnb.hooks", "xio.cnb.hooks.role", "io-cnb.hooks.role", "io.cnbxhooks.a"):
            assert not re.search(key, other)
        for any_value in ("dev", "", "two\nlines", "dev\n"):
            assert re.search(value, any_value)


def test_shared_directory_has_no_stage_of_podmans_own(unpacked):
    shared = documents(unpacked / "usr/share/containers")
    assert {stage for document in shared.values() for stage in document["stages"]} == {
        "createRuntime", "poststop"} <= SHARED_STAGES
    precreate = [path for path, document in documents(unpacked).items()
                 if "precreate" in document["stages"]]
    assert [path.parent for path in precreate] == [
        unpacked / "usr/share/oci-cnb-hooks/podman-hooks.d"]


def test_drop_in_names_default_directory_and_ours(unpacked):
    text = (unpacked / "etc/containers/containers.conf.d/50-oci-cnb-hooks.conf").read_text()
    setting = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert setting == [
        "[engine]",
        'hooks_dir = ["/usr/share/containers/oci/hooks.d", '
        '"/usr/share/oci-cnb-hooks/podman-hooks.d"]']


def test_unit_is_there_and_nothing_starts_it(unpacked):
    unit = unpacked / "usr/lib/systemd/system/oci-cnb-nri.service"
    (program,) = re.findall(r"^ExecStart=(\S+)", unit.read_text(), re.MULTILINE)
    assert (unpacked / program.lstrip("/")).is_file()
    assert [path for path in unpacked.rglob("*oci-cnb-nri.service*")] == [unit]
