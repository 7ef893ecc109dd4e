"""`oci-cnb doctor DIR` says what a container gets: by the tables that the other files here compare
with containers, or beside one."""

import json
import os
import subprocess

import pytest

from kit.checks import started
from table import expected
from test_copies import PAIRS, SHARING
from test_matrix import HERE

WAYS = {"overlay": "overlay", "fuse.oci-cnb": "fuse"}  # by the type of the mount


@pytest.fixture
def advice(programs, volumes, scratch_dir, rootless):
    """advice(source, scratch, way): exit code and report, with this way configured."""

    def ask(source, scratch, way="overlay"):
        user = "rootless" if rootless else "rootful"
        store = volumes / scratch / user / "scratch"
        scratch_dir(store, way)
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
    elif not outcome.silent:
        assert outcome.words in workspace["refused"][0]["why"], report


@pytest.mark.parametrize("source,scratch", [pair for pair in PAIRS
                                            if pair[0] in HERE.sources and pair[1] in HERE.scratches])
def test_copies(advice, source, scratch):
    shares = source == scratch and source in SHARING
    code, report = advice(source, scratch, "reflink")
    assert (code, report["workspace"]["way"]) == ((0, "reflink") if shares else (1, None)), report
    code, report = advice(source, scratch, "copy")
    assert (code, report["workspace"]["way"]) == (0, "copy"), report
    assert report["workspace"]["copied_bytes"] > 0, report


@pytest.mark.rootful
@pytest.mark.parametrize("scratch", [name for name in ("ext4", "fuse", "overlay") if name in HERE.scratches])
def test_the_first_way_that_serves(run, advice, scratch):
    """A plain user's runtime without an engine has no daemons: only root's can be compared."""
    source = HERE.sources[0]
    mount = started(run("rootful", source, scratch, "auto")).mount("/workspace")
    code, report = advice(source, scratch, "auto")
    assert (code, report["workspace"]["way"]) == (0, WAYS[mount.type]), report


@pytest.mark.rootful
@pytest.mark.parametrize("scratch", [name for name in ("fuse", "9p") if name in HERE.scratches])
def test_what_a_container_has_found_out_counts(run, advice, volumes, scratch):
    """In this boot; doctor tells how to have it tried again."""
    source = HERE.sources[0]
    book = volumes / scratch / "rootful/scratch/ways-tried"
    result = run("rootful", source, scratch, "fuse")
    assert result.started == (advice(source, scratch, "fuse")[1]["workspace"]["way"] == "fuse")
    if not result.started:
        return  # no fuse-overlayfs here
    try:
        edited = book.read_text().replace("fuse works", "fuse was broken")
        assert "was broken" in edited
        book.write_text(edited)
        assert not run("rootful", source, scratch, "fuse").started
        code, report = advice(source, scratch, "fuse")
        assert (code, report["workspace"]["way"]) == (1, None), report
        assert f"rm {book}" in report["findings"][-1]["mend"], report
    finally:
        book.unlink()
    assert advice(source, scratch, "fuse")[1]["workspace"]["way"] == "fuse"
