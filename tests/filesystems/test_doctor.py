"""`oci-cnb doctor DIR` says what test_matrix.py finds a container to get."""

import json
import os
import subprocess

import pytest

from table import expected
from test_matrix import HERE


@pytest.fixture
def advice(programs, volumes, scratch_dir, rootless):
    """advice(source, scratch): exit code and report."""

    def ask(source, scratch):
        user = "rootless" if rootless else "rootful"
        store = volumes / scratch / user / "scratch"
        scratch_dir(store)
        before = sorted(os.listdir(store))
        done = subprocess.run([programs["oci-cnb"], "doctor", "--json", volumes / source / user / "source"],
                              capture_output=True, check=False, timeout=120)
        assert sorted(os.listdir(store)) == before
        return done.returncode, json.loads(done.stdout)

    return ask


@pytest.mark.parametrize("scratch", HERE.scratches)
@pytest.mark.parametrize("source", HERE.sources)
def test_the_way_that_a_container_takes(advice, source, scratch):
    outcome = expected(source, scratch)
    code, report = advice(source, scratch)
    workspace = report["workspace"]
    assert workspace["source_file_system"].startswith(source), report
    assert workspace["scratch_file_system"].startswith(scratch), report
    assert code == (0 if outcome.served else 1), report
    assert workspace["way"] == ("overlay" if outcome.served else None), report
    if outcome.served:
        assert workspace["read_only"] == (outcome.name == "read-only"), report
    elif outcome.name == "scratch":
        assert outcome.words in workspace["refused"][0]["why"], report
