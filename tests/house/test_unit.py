"""The unit for systemd, as systemd itself reads it; without a running one."""

import re
import shutil
import subprocess

import pytest
from conftest import CHECKOUT

TEMPLATE = CHECKOUT / "packaging/systemd/oci-cnb-nri.service.in"


@pytest.fixture
def unit(tmp_path):
    """With a program that is there: it is looked for."""
    program = tmp_path / "oci-cnb-nri"
    shutil.copy("/bin/true", program)
    unit = tmp_path / "oci-cnb-nri.service"
    unit.write_text(TEMPLATE.read_text().replace("@libexec@", str(tmp_path)))
    return unit


def analyze(*words):
    command = ["systemd-analyze", "--no-pager", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_valid(unit):
    done = analyze("verify", "--man=no", unit)
    ours = [line for line in done.stderr.splitlines() if "oci-cnb" in line]
    assert done.returncode == 0 and not ours, done.stderr


def test_it_is_hardened(unit):
    """Exposure in tenths; 10.0 is a unit without any protection. Root and three capabilities stay."""
    done = analyze("security", "--offline=yes", "--threshold=25", unit)
    assert done.returncode == 0, done.stdout
    assert re.search(r"exposure level for oci-cnb-nri.service: \d", done.stdout)


def test_it_gives_no_more_than_the_daemonset():
    """One set of capabilities, here and in the manifest."""
    asked = re.search(r"^CapabilityBoundingSet=(.*)$", TEMPLATE.read_text(), re.MULTILINE).group(1)
    manifest = (CHECKOUT / "packaging/kubernetes/base/daemonset.yaml").read_text()
    added = re.search(r"add: \[(.*)\]", manifest).group(1).split(", ")
    assert asked.split() == [f"CAP_{name}" for name in added]
