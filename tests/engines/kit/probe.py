"""Scripts that run in a container and print facts, and the reading of what they print."""

import re
import shlex

_MARK = "@@probe"
_STARTED = "@@the container runs"


class Probe:
    """Collects commands by name; script() runs all of them, results are read by Facts."""

    def __init__(self):
        self._parts = [f"echo '{_STARTED}'"]

    def add(self, name, command):
        """command is busybox shell; a failure is recorded, not fatal. Each runs in a subshell."""
        end = f"status=$?; echo; echo '{_MARK} = '$status"
        self._parts.append(f"echo; echo '{_MARK} {name}'; ( {command}\n); {end}")
        return self

    def basics(self):
        """Who and where: before anything is written."""
        self.add("cwd", "pwd")
        self.add("id", "id -u; id -g")
        self.add("env", "cat /proc/$$/environ")
        self.add("mounts", "cat /proc/self/mountinfo")
        return self

    def tree(self, name="tree", root="/workspace"):
        return self.add(name, f"cd {root} && find . -mindepth 1 -print0")

    def stat(self, paths, name="stat", root="/workspace"):
        quoted = " ".join(_quote(path) for path in paths)
        return self.add(name, f"cd {root} && for p in {quoted}; do stat -c '%a %u %g %Y' \"$p\"; done")

    def lookup(self, paths, name="lookup", root="/workspace"):
        """Prints the index of every path that can be looked up."""
        lines = [f"cd {root}"]
        for index, path in enumerate(paths):
            quoted = _quote(path)
            lines.append(f"{{ [ -e {quoted} ] || [ -L {quoted} ]; }} && echo {index}")
        return self.add(name, "\n".join(lines) + "\ntrue")

    def contents(self, paths, name="contents", root="/workspace"):
        """Prints a hash of what is in each of these files."""
        quoted = " ".join(_quote(path) for path in paths)
        return self.add(name, f"cd {root} && for p in {quoted}; do sha256sum < \"$p\"; done")

    def script(self):
        return "\n".join(self._parts)


def wait_for(condition):
    """Shell words that end well as soon as condition holds, and badly after a minute."""
    looks = "for look in $(seq 1200)"
    return f"{looks}; do {condition} && break; sleep 0.05; done; {condition}"


def _quote(path):
    """A shell word for bytes that may be anything but NUL."""
    if isinstance(path, bytes):
        if re.fullmatch(rb"[\w./-]+", path):
            return path.decode()
        octal = "".join(f"\\{byte:03o}" for byte in path)
        # The final x keeps a trailing newline; it is cut off again by the shell.
        return f"\"$(printf '{octal}')\"" if not path.endswith(b"\n") else shlex.quote(path.decode())
    return shlex.quote(path)


class Facts:
    """What a probe printed: facts["name"] is bytes, status("name") the exit code."""

    def __init__(self, stdout):
        self._sections = {}
        self._status = {}
        pattern = re.compile(rb"\n" + _MARK.encode() + rb" ([\w.-]+)\n(.*?)\n" + _MARK.encode() +
                             rb" = (\d+)\n", re.DOTALL)
        for name, body, status in pattern.findall(stdout):
            self._sections[name.decode()] = body
            self._status[name.decode()] = int(status)
        self.started = _STARTED.encode() in stdout

    def __getitem__(self, name):
        return self._sections[name]

    def status(self, name):
        return self._status[name]

    def text(self, name):
        return self[name].decode("utf-8", "surrogateescape").rstrip("\n")

    def lines(self, name):
        return [line for line in self.text(name).split("\n") if line]

    @property
    def cwd(self):
        return self.text("cwd")

    @property
    def uid(self):
        return int(self.lines("id")[0])

    @property
    def env(self):
        pairs = (entry.partition(b"=") for entry in self["env"].strip(b"\n").split(b"\0") if entry)
        return {name.decode(): value.decode() for name, _, value in pairs}

    def paths(self, name="tree"):
        return {path[2:] for path in self[name].rstrip(b"\n").split(b"\0") if path[2:]}

    def stat(self, paths, name="stat"):
        """{path: (mode, uid, gid, mtime)}"""
        rows = [line.split() for line in self.lines(name)]
        return {
            path: (int(row[0], 8), *map(int, row[1:])) for path, row in zip(paths, rows, strict=True)
        }

    def found(self, paths, name="lookup"):
        return {paths[int(index)] for index in self.lines(name)}

    def mounts(self, name="mounts"):
        return [Mount(line) for line in self.lines(name)]

    def mount(self, target, name="mounts"):
        """The topmost mount at target; None if there is none."""
        found = [mount for mount in self.mounts(name) if mount.target == target]
        return found[-1] if found else None


class Mount:
    """A line of /proc/PID/mountinfo."""

    def __init__(self, line):
        fields, _, rest = line.partition(" - ")
        fields = fields.split()
        self.root, self.target = fields[3], fields[4]
        self.options = fields[5].split(",")
        self.optional = fields[6:]
        self.type, self.source, super_options = (rest.split(" ") + ["", ""])[:3]
        self.super_options = super_options.split(",")

    def __repr__(self):
        return f"{self.type} on {self.target} ({','.join(self.options)}; {self.super_options})"
