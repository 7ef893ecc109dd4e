"""Manual pages, completions and README tell what the programs really do."""

import json
import os
import pathlib
import re
import shutil

import pytest
from machine import must, run

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
COMPLETIONS = CHECKOUT / "packaging/completions"
PAGES = ("oci-cnb.1", "oci-cnb-hooks.7", "oci-cnb-hooks.toml.5", "oci-cnb-runtime.8",
         "oci-cnb-nri.8")
GROUPS = ("context", "spec", "session", "config", "node")
EXAMPLES = "\nExamples:\n"


def source(path):
    return (CHECKOUT / path).read_text()


def whole_help(*words):
    return must(["oci-cnb", *words, "--help"]).stdout


def help_of(*words):
    return whole_help(*words).partition(EXAMPLES)[0]


def subcommands(*words):
    text = help_of(*words).partition("Subcommands:")[2]
    return re.findall(r"^  (\S+)", text, re.MULTILINE)


def options(*words):
    found = re.findall(r"(?<=[\s,])(--?[a-z0-9][\w-]*)", help_of(*words).partition("Options:")[2])
    return {word for word in found if len(word) > 2 or word == "-0"}


@pytest.fixture
def commands(installed):
    """{(words): options} of every subcommand that does something, and of the groups."""
    found = {(): options()}
    for name in subcommands():
        found[(name,)] = options(name)
        for child in subcommands(name):
            found[(name, child)] = options(name, child)
    assert {words for words in found if len(words) == 1} >= {("doctor",), ("context",), ("spec",)}
    return found


def examples_of(words):
    return whole_help(*words).partition(EXAMPLES)[2].splitlines()


def test_every_command_has_examples_of_itself(commands):
    for words, known in commands.items():
        lines = examples_of(words)
        assert lines, words
        for line in lines:
            typed = re.sub(r" +#.*", "", line).split(" -- ")[0].split(" | ")[0].split()
            assert typed[0] == "oci-cnb", line
            if words and words != ("node", "wait"):
                assert typed[1 : len(words) + 1] == list(words), line
            leaf = max((known for known in commands if known == tuple(typed[1 : len(known) + 1])), key=len)
            given = {word for word in typed if word.startswith("-") and len(word) > 1}
            assert {word for word in given if len(word) > 2 or word == "-0"} <= commands[leaf], line


def test_bash_completes_codes_and_keys(installed):
    codes = re.findall(r'Code::k\w+, "([\w-]+)", \d+', source("libhookcore/base/error.cpp"))
    assert bash_completes("explain", "") == set(codes)
    keys = set(names_of_keys())
    assert bash_completes("config", "get", "") == keys
    assert bash_completes("config", "set", "") == {f"{key}=" for key in keys}
    for file in ("_oci-cnb", "oci-cnb.fish"):
        text = (COMPLETIONS / file).read_text()
        assert [word for word in [*codes, *keys] if not re.search(rf"[\s('\"]{word}\b", text)] == []


def bash_completes(*words):
    """What bash offers for the last word."""
    script = (f"source {COMPLETIONS / 'oci-cnb.bash'}; "
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _oci_cnb; printf "%s\\n" "${COMPREPLY[@]}"')
    return set(must(["bash", "-c", script, "-", "oci-cnb", *words]).stdout.split())


def test_bash_knows_every_subcommand_and_option(commands):
    for words, known in commands.items():
        # -h, -b, -i are short for what is offered; CLI11 has --help in every command.
        assert bash_completes(*words, "-") == known, words
    assert bash_completes("") - options() == set(subcommands())
    for group in GROUPS:
        assert bash_completes(group, "") - {"--help"} == set(subcommands(group))


def test_bash_completes_values(installed):
    assert bash_completes("spec", "apply", "--role", "") == {"dev", "build", "detect", "launch"}
    assert bash_completes("spec", "validate", "--format", "j") == {"json"}


def test_sessions_are_completed(installed, tmp_path, monkeypatch):
    program = tmp_path / "oci-cnb"
    program.write_text("#!/bin/sh\nprintf '%s\\n' 'SESSION KIND' 'n-work named' 'c-3f2a1b container' 'n-work: fuse, since'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for command in ("diff", "export", "apply", "rm", "log"):
        assert bash_completes("session", command, "") == {"n-work", "c-3f2a1b"}
    assert bash_completes("session", "rm", "c") == {"c-3f2a1b"}


@pytest.mark.parametrize("file", ["_oci-cnb", "oci-cnb.fish"])
def test_other_shells_know_them_too(commands, file):
    text = (COMPLETIONS / file).read_text()
    for words, known in commands.items():
        for word in words:
            assert re.search(rf"\b{word}\b", text), word
        for option in known - {"--help"}:
            name = option.lstrip("-")
            assert re.search(rf"(-l {name}|-s {name}|-{{0,2}}{name})\b", text), (words, option)


def test_man_page_has_every_subcommand_and_option(commands):
    text = source("packaging/man/oci-cnb.1.in").replace("\\-", "-")
    for words, known in commands.items():
        if words and words[0] not in GROUPS or len(words) == 2:
            assert re.search(rf"^\.B {' '.join(words)}$", text, re.MULTILINE), words
        for option in known - {"--help", "--version"}:
            assert option in text or option == "--bundle" or option == "--in-place", option


def test_man_page_has_every_rule(installed):
    """With what each demands, and where it comes from, in the program's order."""
    text = source("packaging/man/oci-cnb.1.in").replace("\\-", "-")
    text = text.partition(".SH RULES\n")[2].partition(".SH OPTIONS\n")[0].lower()
    told = json.loads(must(["oci-cnb", "spec", "validate", "--rules", "--json"]).stdout)
    assert re.findall(r"^\.b ([a-z-]+)$", text.partition(".tp")[2], re.MULTILINE) == [
        rule["id"] for rule in told]
    for rule in told:
        assert f".b {rule['id']}\n{rule['meaning'].lower()} (" in text
        assert f'"{rule["specification"].lower()}"' in text


@pytest.mark.build_machine
@pytest.mark.parametrize("page", PAGES)
def test_man_page_is_sound(page):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    result = run(["groff", "-man", "-Tutf8", "-ww", "-z", CHECKOUT / f"packaging/man/{page}.in"])
    assert result.stderr == ""


def names(text, declaration):
    """The strings of one array of the sources."""
    found = re.search(rf"{declaration}[^=]*=?\s*{{(.*?)}};", text, re.DOTALL).group(1)
    return re.findall(r'"([\w-]+)"', found)


@pytest.mark.parametrize("document", ["README.md", "packaging/man/oci-cnb-hooks.7.in"])
def test_every_annotation_and_code_is_told(document):
    text = source(document).replace("\\-", "-")
    for name in names(source("libhookcore/optin/request.cpp"), r"kNames\[\]"):
        assert re.search(rf"(^\.B {name}$|^\| `{name}` \|)", text, re.MULTILINE), name
    codes = re.findall(r'Code::k\w+, "([\w-]+)", (\d+), \d+', source("libhookcore/base/error.cpp"))
    assert len(codes) > 10
    for name, number in codes:
        if name != "usage":
            told = rf"(\b{number} {name}\b|\| {number} \| `{name}` \|)"
            assert re.search(told, text), (name, number)


def names_of_keys():
    keys = re.findall(r'^    {"([\w-]+)", "', source("libhookcore/settings/settings.cpp"), re.MULTILINE)
    assert len(keys) == 12
    return keys


@pytest.mark.parametrize("document", [
    "README.md", "packaging/man/oci-cnb-hooks.toml.5.in", "packaging/config/config.toml"])
def test_every_key_is_told(document):
    text = source(document).replace("\\-", "-")
    for key in names_of_keys():
        assert re.search(rf"(^\.B[R]? .*\b{key}\b|^\| `{key}` \||^#{key} = )", text, re.MULTILINE), key


def test_config_template_is_valid_with_every_key_on(installed):
    from machine import CONFIG

    text = re.sub(r"^#(?=[\w-]+ = )", "", CONFIG.read_text(), flags=re.MULTILINE)
    text = text.replace("/opt/cnb", "/usr")
    CONFIG.write_text(text)
    assert run(["oci-cnb", "doctor"]).status == 0


def test_contributing_draws_the_dependencies():
    """Every edge of libhookcore/CMakeLists.txt is in the table, and no other."""
    declared = {}
    for name, deps in re.findall(r"^hookcore_library\((\w+)(?:\s+DEPS\s+([\w\s]*?))?\s*(?:LIBS[^)]*)?\)",
                                 source("libhookcore/CMakeLists.txt"), re.MULTILINE):
        declared[name] = set(deps.split())
    drawn = {}
    for name, deps in re.findall(r"^\| `(\w+)/` \| .* \| ([^|]*) \|$", source("CONTRIBUTING.md"),
                                 re.MULTILINE):
        drawn[name] = set(re.findall(r"\w+", deps))
    assert drawn == declared
    edges = re.findall(r"^  (\w+) --> (\w+)$", source("CONTRIBUTING.md"), re.MULTILINE)

    def below(name):
        direct = {target for origin, target in edges if origin == name}
        return direct.union(*(below(target) for target in direct))

    for name, deps in declared.items():
        assert deps <= below(name), name
        assert {target for origin, target in edges if origin == name} <= deps, name


def test_license_is_apache():
    text = source("LICENSE")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text
