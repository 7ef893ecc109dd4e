"""What compiler and linker do for every program that is installed, read from what they made."""

import json
import pathlib
import shlex
import struct
import subprocess

import pytest
from conftest import CHECKOUT

# elf(5), and glibc's elf.h.
SHARED_OBJECT, DYNAMIC, STACK, RELRO = 3, 2, 0x6474E551, 0x6474E552
FLAGS_1, NOW, PIE = 0x6FFFFFFB, 0x1, 0x08000000
FLAGS = ["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-fPI"]


def segments(data):
    """(type, flags, offset, size in the file) of each."""
    offset, size, count = struct.unpack_from("<Q14xHH", data, 32)
    for number in range(count):
        kind, flags, at, _, _, length = struct.unpack_from("<IIQQQQ", data, offset + number * size)
        yield kind, flags, at, length


def gaps(path):
    """What an ELF file of 64 bits lacks."""
    data = path.read_bytes()
    assert data[:5] == b"\x7fELF\x02", path
    found = list(segments(data))
    kinds = {kind: flags for kind, flags, _, _ in found}
    flags_1 = 0
    for kind, _, at, length in found:
        entries = data[at:at + length] if kind == DYNAMIC else b""
        for tag, value in struct.iter_unpack("<QQ", entries):
            flags_1 |= value if tag == FLAGS_1 else 0
    kind = struct.unpack_from("<H", data, 16)[0]
    lacking = [] if kind == SHARED_OBJECT and flags_1 & PIE else ["PIE"]
    lacking += [] if RELRO in kinds else ["RELRO"]
    lacking += [] if flags_1 & NOW else ["NOW"]
    lacking += ["executable stack"] if kinds.get(STACK, 1) & 1 else []
    loaded = [flags for kind, flags, _, _ in found if kind != STACK]
    lacking += ["writable code"] if any(flags & 3 == 3 for flags in loaded) else []
    return lacking


@pytest.fixture(scope="module")
def build(request):
    path = pathlib.Path(request.config.getoption("--build-dir"))
    if not (path / "compile_commands.json").exists():
        pytest.skip(f"{path} has no compile_commands.json: configure first")
    return path


def test_programs(build):
    programs = sorted((build / "bin").glob("oci-cnb*"))
    assert len(programs) >= 8
    assert {path.name: gaps(path) for path in programs if gaps(path)} == {}


def test_the_check_finds_what_is_lacking(tmp_path):
    source, program = tmp_path / "empty.c", tmp_path / "empty"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-no-pie", "-fno-pie", "-Wl,-z,norelro,-z,lazy,-z,execstack",
                    "-o", program, source], check=True, capture_output=True)
    assert gaps(program) == ["PIE", "RELRO", "NOW", "executable stack"]


def test_every_file_is_compiled_so(build):
    ours = [CHECKOUT / "hooks", CHECKOUT / "libhookcore"]
    commands = [entry for entry in json.loads((build / "compile_commands.json").read_text())
                if any(pathlib.Path(entry["file"]).is_relative_to(folder) for folder in ours)]
    assert len(commands) > 100
    for entry in commands:
        words = shlex.split(entry["command"])
        missing = [flag for flag in FLAGS if not any(word.startswith(flag) for word in words)]
        assert not missing, f"{entry['file']}: {missing}"


def test_the_compiler_has_done_it(build):
    """By the functions that such code calls: of the stack protector, and of FORTIFY."""
    listed = subprocess.run(["nm", "--undefined-only", build / "libhookcore/libhookcore_sys.a"],
                            check=True, capture_output=True, text=True).stdout
    called = {line.split()[-1] for line in listed.splitlines() if " U " in line}
    assert "__stack_chk_fail" in called
    assert {name for name in called if name.startswith("__") and name.endswith("_chk")}
