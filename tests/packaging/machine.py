"""The machine on which the package is installed: the lab's private view of one."""

import dataclasses
import json
import os
import pathlib
import pwd
import subprocess

from kit import rootfs

IMAGE = "localhost/packaging"
NETWORK = ("--network", "none")
TIMEOUT = 180
CONFIG = pathlib.Path("/etc/oci-cnb-hooks/config.toml")
DROP_IN = pathlib.Path("/etc/containers/containers.conf.d/50-oci-cnb-hooks.conf")
SHARED = pathlib.Path("/usr/share/containers/oci/hooks.d")
OURS = pathlib.Path("/usr/share/oci-cnb-hooks/podman-hooks.d")
PROGRAMS = pathlib.Path("/usr/libexec/oci-cnb-hooks")
LAB_USER = "cnblab"


@dataclasses.dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str

    def __str__(self):
        return f"exit {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run(words, stdin=b"", **options):
    done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True,
                          timeout=TIMEOUT, check=False, **options)
    return Outcome(done.returncode, done.stdout.decode(errors="backslashreplace"),
                   done.stderr.decode(errors="backslashreplace"))


def must(words, **options):
    outcome = run(words, **options)
    assert outcome.status == 0, f"{' '.join(map(str, words))}: {outcome}"
    return outcome


class Person:
    """Somebody who uses podman as it is installed."""

    def __init__(self, name):
        self.name = name
        entry = pwd.getpwnam(name)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        self.home = os.environ["HOME"] if self.uid == 0 else entry.pw_dir
        self._has_image = False

    def run(self, *words, stdin=b"", cwd="/", variables=None):
        if self.uid == 0:
            return run(words, stdin, env={**os.environ, **(variables or {})}, cwd=cwd)
        env = {**os.environ, "HOME": self.home, "USER": self.name, "LOGNAME": self.name,
               "XDG_RUNTIME_DIR": f"/run/user/{self.uid}", **(variables or {})}
        ids = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups",
               "--inh-caps=-all", "--"]
        return run([*ids, *words], stdin, env=env, cwd=cwd)

    def must(self, *words, stdin=b""):
        outcome = self.run(*words, stdin=stdin)
        assert outcome.status == 0, f"{' '.join(map(str, words))}: {outcome}"
        return outcome

    def image(self):
        if not self._has_image:
            self.must("podman", "import", "--quiet", "-", IMAGE, stdin=rootfs.tarball("basic"))
            self._has_image = True
        return IMAGE

    def podman_run(self, source, script, annotations=("io.cnb.hooks.role=dev",), options=("--rm",)):
        """podman with no option about hooks at all."""
        asked = [word for one in annotations for word in ("--annotation", one)]
        return self.run("podman", "run", *NETWORK, *options, *asked,
                        "--volume", f"{source}:/workspace", self.image(), "sh", "-c", script)

    @property
    def scratch(self):
        if self.uid == 0:
            return pathlib.Path("/var/lib/oci-cnb-hooks")
        return pathlib.Path(self.home) / ".local/share/oci-cnb-hooks"


def findings(person, status):
    """What `oci-cnb doctor` finds to be wrong; its exit code is this one."""
    outcome = person.run("oci-cnb", "doctor", "--json")
    report = json.loads(outcome.stdout)
    bad = [one for one in report["findings"] if one["status"] == "fail"]
    assert outcome.status == (1 if bad else 0)
    assert report["ok"] == (not bad)
    assert outcome.status == status, outcome
    for one in report["findings"]:
        assert one["status"] in ("ok", "warn", "fail") and one["check"] and one["what"]
        assert (one["status"] == "ok") == (one["why"] == one["mend"] == "")
    return bad


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def dpkg(*words):
    # Without triggers: the index of manual pages is not what is tested, and slow.
    return must(["dpkg", "--force-unsafe-io", "--no-triggers", *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def version_of(deb):
    return must(["dpkg-deb", "-f", deb, "Version"]).stdout.strip()


def installed_version():
    """Empty when the package isn't wholly installed."""
    answer = run(["dpkg-query", "-W", "-f", "${Status} ${Version}", "oci-cnb-hooks"]).stdout
    return answer.removeprefix("install ok installed ") if " ok installed " in answer else ""


def purge():
    if run(["dpkg-query", "-W", "oci-cnb-hooks"]).status == 0:
        dpkg("--purge", "oci-cnb-hooks")
