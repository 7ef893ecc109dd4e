"""The wrapper in front of a runtime that only tells how it was called, and bundles for it."""

import base64
import json
import os
import pathlib
import subprocess
import sys

# Everything that a runtime can see of its call; exits as it is told.
RECORDER = f"""#!{sys.executable} -IS
import base64, json, os, signal, sys
blocked = sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
words = [base64.b64encode(os.fsencode(word)).decode() for word in sys.argv]
json.dump({{
    "words": words[1:],
    "environment": open("/proc/self/environ", "rb").read().hex(),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
    "blocked": blocked,
    "directory": os.getcwd(),
    "pid": os.getpid(),
    "input": sys.stdin.read(),
}}, sys.stdout)
sys.stderr.write("told on stderr\\n")
sys.exit(37)
"""


class Seen:
    """What came of one call."""

    def __init__(self, done):
        self.status = done.returncode
        self.stderr = done.stderr.decode("utf-8", "backslashreplace")
        self.stdout = done.stdout
        self.call = json.loads(done.stdout) if done.stdout.startswith(b"{") else None

    @property
    def words(self):
        return [base64.b64decode(word) for word in self.call["words"]]

    def __str__(self):
        return f"exit {self.status}\n{self.stdout!r}\n{self.stderr}"


class Machine:
    """A wrapper and a recorder in a directory of their own."""

    def __init__(self, directory, wrapper, configuration):
        self.directory = pathlib.Path(directory)
        self.wrapper = wrapper
        self.configure = configuration
        self.runtime = self.directory / "recorder"
        self.runtime.write_text(RECORDER)
        self.runtime.chmod(0o755)
        self.configure(f'runtime = "{self.runtime}"\n')

    def call(self, *words, **options):
        done = subprocess.run([self.wrapper, *words], capture_output=True, check=False, timeout=60,
                              **{"stdin": subprocess.DEVNULL, **options})
        return Seen(done)

    def bundle(self, text=None, **changes):
        """A directory with this config.json, or one of a container that opts in."""
        bundle = self.directory / f"bundle-{len(os.listdir(self.directory))}"
        bundle.mkdir()
        (bundle / "rootfs").mkdir()
        text = json.dumps(document(**changes)) if text is None else text
        (bundle / "config.json").write_text(text)
        return bundle

    @staticmethod
    def config(bundle):
        return json.loads((bundle / "config.json").read_text())


def document(annotations=None, env=(), cwd="/", **more):
    made = {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["true"], "cwd": cwd,
                    "env": ["PATH=/bin", *env]},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/workspace", "type": "bind", "source": "/src",
                    "options": ["rbind"]}],
        "x-unknown": 12345678901234567890123,
        **more,
    }
    if annotations:
        made["annotations"] = annotations
    return made


def snapshot(directory):
    """Everything in a bundle, to see that nothing was changed in it."""
    found = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        info = path.lstat()
        facts = (info.st_mode, info.st_uid, info.st_gid, info.st_ino, info.st_mtime_ns)
        found[str(path)] = (*facts, path.read_bytes() if path.is_file() else None)
    return found
