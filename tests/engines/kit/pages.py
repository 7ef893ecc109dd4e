"""Blocks of commands in a page, and what is to be shown.

A line `...` stands for any lines, `...` in a line for any part of it.
"""

import re


def examples(text, fits=lambda condition: True):
    """(commands, expected lines): `$ ` begins a command, which goes on while it isn't whole."""
    for condition, block in re.findall(r"^```console(?: (\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if not fits(condition):
            continue
        command, expected = "", []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, expected
                command, expected = line[2:], []
            elif goes_on(command):
                command += "\n" + line
            else:
                expected.append(line)
        yield command, expected


def goes_on(command):
    here = re.search(r"<<'(\w+)'", command)
    if here:
        return not command.endswith("\n" + here.group(1))
    return command.endswith(("\\", "|"))


def pattern(expected):
    parts = []
    for line in expected:
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, line.split("..."))) + r"\n")
    return "".join(parts)
