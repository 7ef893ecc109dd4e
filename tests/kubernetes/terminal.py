"""Where the commands of a page are typed, with kubectl on an API server."""

import os
import re
import subprocess

from kit.pages import pattern

LIMIT = 180  # seconds for a command


class Terminal:
    """In a directory; what commands show is compared with what their page says.

    commands: as kit.pages.examples gives them; answers: {command: what is done in its place, and returns what is
    shown}.
    """

    def __init__(self, directory, api, commands, answers=None):
        self._directory = directory
        self._environment = {**os.environ, "KUBECONFIG": str(api.kubeconfig), "BUILDAH_ISOLATION": "chroot"}
        self._commands = list(commands)
        self._answers = answers or {}

    def run(self, command, stdin=None):
        done = subprocess.run(["bash", "-c", f"exec 2>&1\n{command}"], cwd=self._directory, env=self._environment,
                              input=stdin, capture_output=True, text=True, check=False, timeout=LIMIT)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def type_until(self, part):
        """The commands that come next, up to the first that has this part."""
        while self._commands:
            command, expected = self._commands.pop(0)
            plain = re.sub(r"  +# .*", "", command)
            shown = self._answers[plain]() if plain in self._answers else self.run(command)
            assert re.fullmatch(pattern(expected), shown), f"{command}\n--- expected\n{expected}\n--- shown\n{shown}"
            if part in command:
                return
        raise AssertionError(f"no command has {part}")

    def is_done(self):
        return not self._commands
