"""What a build with the real lifecycle needs: a builder image, a run image, a source, a plain copy of it."""

import io
import os
import pathlib
import subprocess
import tarfile

from kit import oci_image, rootfs
from kit import source as tree
from kit.engine import must

BUILDER = "lifecycle"
CNB_UID = 1001
HERE = pathlib.Path(__file__).resolve().parent
ORDER = '[[order]]\n[[order.group]]\nid = "lab/shell"\nversion = "1.0"\n'
RUN = '[[images]]\nimage = "localhost/run"\n'


def register(lifecycle):
    """Makes the builder known to kit.rootfs: busybox, the lifecycle and one buildpack.

    lifecycle: what tests/lab/lifecycle.sh printed.
    """
    entries = [
        ("workspace", "dir", 0o755, CNB_UID),
        ("layers", "dir", 0o755, CNB_UID),
        ("platform", "dir", 0o755, 0),
        ("platform/env", "dir", 0o755, 0),
        ("layout", "dir", 0o755, CNB_UID),
        ("cnb", "dir", 0o755, 0),
        ("cnb/order.toml", "file", ORDER.encode(), 0),
        ("cnb/run.toml", "file", RUN.encode(), 0),
        ("cnb/buildpacks", "dir", 0o755, 0),
        ("cnb/buildpacks/lab_shell", "dir", 0o755, 0),
        *_copied(HERE / "buildpack", "cnb/buildpacks/lab_shell/1.0"),
        *_copied(pathlib.Path(lifecycle), "cnb/lifecycle"),
    ]
    options = [f"ENV=CNB_USER_ID={CNB_UID}", f"ENV=CNB_GROUP_ID={CNB_UID}",
               f"USER={CNB_UID}:{CNB_UID}", "WORKDIR=/layers"]
    rootfs.VARIANTS[BUILDER] = (entries, options)


def _copied(directory, target):
    entries = [(target, "dir", 0o755, 0)]
    for path in sorted(directory.iterdir()):
        name = f"{target}/{path.name}"
        if path.is_symlink():
            entries.append((name, "link", os.readlink(path), 0))
        elif path.is_dir():
            entries += _copied(path, name)
        else:
            entries.append((name, "file", path.read_bytes(), 0))
    return entries


def run_image(layout):
    """A layout directory for `-layout-dir` that has the run image."""
    image = layout / "localhost/run/latest"
    image.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(oci_image.archive("basic"))) as tar:
        for entry in tar:
            target = image / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(tar.extractfile(entry).read())
    return layout


def application(path):
    """The example tree without its directory of build results: an exporter takes no FIFO."""
    tree.make(path)
    must(["rm", "-r", os.path.join(path, "target")])


def filtered_copy(program, source, target):
    """What a user without the hooks would do: copy what the rules leave."""
    target.mkdir()
    names = must([program, "context", "list", "-0", source]).stdout
    options = ["--null", "--verbatim-files-from", "--no-recursion", "--files-from=-"]
    packed = subprocess.run(["tar", "-C", source, *options, "-cf", "-"], input=names,
                            check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-C", target, "-xpf", "-"], input=packed, check=True)
    return target
