"""A virtual machine with Debian's kernel, an initramfs made here, and this machine's own programs."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess

LIMIT = 480  # seconds
TAIL = 4000  # characters of the console that are told
MEMORY = "1024M"
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")  # QEMU's own; Debian 13's
MODULES = ("virtio_pci", "virtio_blk", "9p", "9pnet_virtio", "virtiofs", "overlay", "ext4", "fuse")


@dataclasses.dataclass(frozen=True)
class Ended:
    """A guest that has ended."""

    results: pathlib.Path
    console: str

    def told(self, name):
        """A file that it left, or what it said instead."""
        path = self.results / name
        assert path.exists(), f"the guest left no {name}; its console ends:\n{self.console[-TAIL:]}"
        return path.read_text(errors="backslashreplace")


def must(words, **options):
    return subprocess.run([str(word) for word in words], check=True, **options).stdout


def in_order_of_need(kernel):
    """Paths of the modules, each after those that it needs."""
    version = next((kernel / "lib/modules").iterdir()).name
    order = []
    for name in MODULES:
        words = ["modprobe", "--dirname", kernel, "--set-version", version, "--show-depends", name]
        for line in must(words, capture_output=True, text=True).splitlines():
            if line.startswith("insmod "):  # the others are part of the kernel itself
                order.append(pathlib.Path(line.split()[1]))
    return list(dict.fromkeys(order))


def initramfs(room, kernel):
    """The archive's path."""
    root = room / "initramfs"
    for name in ("bin", "proc", "sys", "dev", "memory", "lower", "top", "modules"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "mount", "insmod", "mkdir", "sed", "switch_root"):
        (root / "bin" / name).symlink_to("busybox")
    order = in_order_of_need(kernel)
    for path in order:
        shutil.copy(path, root / "modules")
    (root / "modules/order").write_text("".join(f"{path.name}\n" for path in order))
    shutil.copy(CHECKOUT / "tests/guest/init.sh", root / "init")
    (root / "init").chmod(0o755)  # whatever the checkout's is: else the kernel starts a shell
    archive = room / "initramfs.cpio"
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(archive, "wb") as file:
        must(["cpio", "--null", "--create", "--format=newc", "--quiet"], cwd=root,
             input=names.encode(), stdout=file)
    return archive


def disk(room):
    """The guest's own."""
    path = room / "disk.img"
    must(["truncate", "--size=256M", path])
    must(["mkfs.ext4", "-q", path])
    return path


def accelerator():
    """Software's unless told otherwise: a machine that is itself virtual may have half of KVM."""
    return os.environ.get("OCI_CNB_ACCEL", "tcg")


@contextlib.contextmanager
def virtiofs(room, directory):
    """The socket over which a directory is shared."""
    daemon = next(path for path in VIRTIOFSD if os.path.exists(path))
    socket = room / "virtiofs.socket"
    words = [daemon, f"--socket-path={socket}", "-o", f"source={directory}", "-o", "sandbox=chroot",
             "-o", "xattr"]
    with open(room / "virtiofsd.log", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        # QEMU tries once: wait=off and reconnect are for servers that come later.
        while not socket.exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
                raise AssertionError((room / "virtiofsd.log").read_text(errors="replace"))
        yield socket
    finally:
        process.kill()
        process.wait()


def shared(name, directory, *options):
    """QEMU's words for a directory over 9p."""
    words = (f"local,path={directory}", f"mount_tag={name}", f"id=share-{name}",
             "security_model=none", "multidevs=remap")
    return ["-virtfs", ",".join((*words, *options))]


def run(room, kernel, shares):
    """Starts a guest and waits for its end."""
    image = next((kernel / "boot").glob("vmlinuz-*"))
    # What the kernel doesn't know is its first process's environment.
    line = ("console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off "
            f"CHECKOUT={CHECKOUT} OCI_CNB_STAGE={os.environ['OCI_CNB_STAGE']}")
    console = room / "console.log"
    with virtiofs(room, shares["virtiofs"]) as socket, open(console, "wb") as log:
        words = ["qemu-system-x86_64", "-machine", f"q35,accel={accelerator()}", "-cpu", "max",
                 "-m", MEMORY, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                 "-serial", "stdio", "-kernel", image, "-initrd", initramfs(room, kernel),
                 "-append", line,
                 "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on",
                 "-numa", "node,memdev=memory",
                 "-drive", f"file={disk(room)},format=raw,if=virtio,cache=unsafe",
                 "-chardev", f"socket,id=virtiofs,path={socket}",
                 "-device", "vhost-user-fs-pci,chardev=virtiofs,tag=virtiofs",
                 *shared("9p", shares["9p"]), *shared("results", shares["results"]),
                 *shared("root", "/", "readonly=on")]
        try:
            must(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=LIMIT)
        except subprocess.SubprocessError as error:
            tail = console.read_text(errors="backslashreplace")[-TAIL:]
            raise AssertionError(f"{error}; the guest's console ends:\n{tail}") from error
    return Ended(shares["results"], console.read_text(errors="backslashreplace"))
