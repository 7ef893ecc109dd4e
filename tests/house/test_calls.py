"""Calls that have led others to vulnerabilities (a path checked and used later, a shell), or that
make a hook slow or steerable. An exception stands in ALLOWED with its reason."""

import re

from conftest import relative, tracked

# What is forbidden, and why.
FORBIDDEN = {
    r"\bstd::filesystem\b|#include <filesystem>": "paths instead of descriptors",
    r"\bboost::filesystem\b": "paths instead of descriptors",
    r"\bstd::[io]?fstream\b|#include <fstream>": "opens by path, follows links",
    r"(?<![\w.:>])(?:::|std::)?(?:system|popen|execvp|execlp)\s*\(": "a shell, or a search by PATH",
    r"#include <regex>": "slow, and its recursion is steered by the input",
    r"#include <iostream>": "static initialisation in every hook",
    r"\bgetpwnam\b|\bgetpwuid\b|\bgetgrnam\b|\bsetlocale\b|\bdlopen\b": "loads libraries, NSS",
    r"(?<![\w.>])::syscall\s*\(|(?<![\w.:>])syscall\s*\(": "raw system calls live in libhookcore/sys",
    r"\b(?:std::)?getenv\s*\(": "the environment is not ours to trust",
    r"(?<![\w.])(?:::)?(?:strcpy|strcat|sprintf|gets|mktemp|tmpnam)\s*\(": "overflows and races",
}

# (path pattern, what is allowed there, why). The path is matched from its beginning.
ALLOWED = [
    (r"libhookcore/sys/", r"syscall", "the folder of the raw system calls"),
    (r"hooks/cli/export_command", r"getenv", "SOURCE_DATE_EPOCH, told by those who build"),
    (r"hooks/cli/doctor_commands", r"getenv", "podman goes by them, and the doctor tells what podman does"),
    (r"hooks/cli/output", r"getenv", "NO_COLOR: it decides on colours alone"),
    (r"hooks/cli/session_commands", r"getenv", "SUDO_UID: it decides on a hint alone"),
]

COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/', re.DOTALL)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def code_of(path):
    """The text without comments and the contents of strings; lines stay where they are."""
    text = COMMENT.sub(lambda found: "\n" * found.group().count("\n"), path.read_text())
    return STRING.sub('""', text)


def allowed(name, found):
    return any(re.match(path, name) and re.search(what, found) for path, what, _ in ALLOWED)


def test_forbidden_calls():
    wrong = []
    for path in tracked("libhookcore/*.cpp", "libhookcore/*.h", "hooks/*.cpp", "hooks/*.h"):
        code = code_of(path)
        for pattern, reason in FORBIDDEN.items():
            for found in re.finditer(pattern, code):
                if not allowed(relative(path), found.group()):
                    line = code.count("\n", 0, found.start()) + 1
                    wrong.append(f"{relative(path)}:{line}: {found.group().strip()}: {reason}")
    assert not wrong, "\n".join(wrong)


def test_allow_list_is_used():
    """An exception that nobody needs any more goes."""
    files = tracked("libhookcore/*.cpp", "libhookcore/*.h", "hooks/*.cpp", "hooks/*.h")
    idle = [
        (path, what)
        for path, what, _ in ALLOWED
        if not any(re.match(path, relative(f)) and re.search(what, code_of(f)) for f in files)
    ]
    assert not idle


def test_the_lint_finds_what_it_forbids(tmp_path):
    """The check itself, on a file that does it all."""
    path = tmp_path / "bad.cpp"
    path.write_text(
        '#include <filesystem>\nint f() { return system("x"); }\nauto s = ::syscall(1);\n'
        "std::ofstream o;\n// std::filesystem in a comment is fine\n"
    )
    code = code_of(path)
    found = [pattern for pattern in FORBIDDEN if re.search(pattern, code)]
    assert len(found) == 4, found
    assert "comment" not in code
