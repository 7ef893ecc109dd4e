"""examples/buildpack-build, as a user runs it once the programs are there."""

import os
import re

from kit.engine import execute
from kit.fixtures import CHECKOUT


def test_it_shows_what_it_promises():
    script = CHECKOUT / "examples/buildpack-build/build.sh"
    lifecycle = os.environ["CNB_LIFECYCLE_DIR"]
    result = execute([script, "--show", os.environ["OCI_CNB_STAGE"], lifecycle])
    shown = result.stdout.decode()
    assert result.status == 0, str(result)
    digests = re.findall(r"^  (?:creator    |five phases) (sha256:\w{64})$", shown, re.MULTILINE)
    assert len(digests) == 2 and len(set(digests)) == 1, str(result)
    assert shown.count("building in /workspace, which has: .dockerignore drafts greeting \n") == 2
    assert "  | HELLO FROM A BUILDPACK\n" in shown
    assert "  | in /workspace: .dockerignore greeting greeting.loud\n" in shown
    assert "  unchanged: " in shown
