"""libhookcore/CMakeLists.txt says which folder may include which; the #include lines obey."""

import re

import pytest
from conftest import CHECKOUT, relative, tracked

DECLARATION = re.compile(r"^hookcore_library\((\w+)\s*(?:DEPS\s+([\w\s]*?))?\s*(?:LIBS[^)]*)?\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"libhookcore/(\w+)/[^"]+"', re.MULTILINE)


def declared():
    text = (CHECKOUT / "libhookcore/CMakeLists.txt").read_text()
    return {name: set((deps or "").split()) for name, deps in DECLARATION.findall(text)}


def includes(folder):
    """{included folder: files that do it}"""
    found = {}
    for path in tracked(f"libhookcore/{folder}/*.cpp", f"libhookcore/{folder}/*.h"):
        for other in INCLUDE.findall(path.read_text()):
            if other != folder:
                found.setdefault(other, set()).add(relative(path))
    return found


def test_every_folder_is_declared():
    folders = {path.parent.name for path in tracked("libhookcore/*/*.cpp")}
    assert folders == set(declared())


@pytest.mark.parametrize("folder", sorted(declared()))
def test_includes_are_the_declared_dependencies(folder):
    used = includes(folder)
    allowed = declared()[folder]
    excess = {other: sorted(files) for other, files in used.items() if other not in allowed}
    assert not excess, f"libhookcore/{folder} includes folders that are not in its DEPS"
    idle = sorted(allowed - set(used))
    assert not idle, f"libhookcore/{folder} declares DEPS that nothing includes"


def test_dependencies_have_no_cycle():
    graph, done = declared(), set()
    while len(done) < len(graph):
        ready = {name for name, deps in graph.items() if name not in done and deps <= done}
        assert ready, f"a cycle, or an unknown folder, among {sorted(set(graph) - done)}"
        done |= ready


def test_includes_name_the_whole_path():
    """"libhookcore/FOLDER/file.h", so that a reader knows where to look."""
    pattern = re.compile(r'^\s*#\s*include\s+"(?!libhookcore/|hooks/|tests/|packaging/)([^"]+)"', re.MULTILINE)
    wrong = {
        relative(path): pattern.findall(path.read_text())
        for path in tracked("libhookcore/*.cpp", "libhookcore/*.h", "hooks/*.cpp", "hooks/*.h")
        if pattern.search(path.read_text())
    }
    assert not wrong


def test_heavy_headers_stay_in_sources():
    """One of ours hands them on to all that include it: seconds for the compiler, half a minute for clang-tidy."""
    heavy = re.compile(r"^\s*#\s*include\s+<(CLI/|nlohmann/json\.hpp|boost/)", re.MULTILINE)
    found = {relative(path) for path in tracked("libhookcore/*.h", "hooks/*.h") if heavy.search(path.read_text())}
    assert found == {"hooks/cli/usage.h", "libhookcore/session/document.h"}
    users = {relative(path) for path in tracked("libhookcore/*.cpp", "hooks/*.cpp")
             if re.search(r"#include (<CLI/|\"hooks/cli/usage\.h)", path.read_text())}
    assert users == {"hooks/cli/command_line.cpp", "hooks/cli/usage.cpp", "hooks/nri/main.cpp"}
