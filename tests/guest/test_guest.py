"""What is seen from outside of a guest in which tests/filesystems ran over what this machine shares."""

import os
import pathlib
import shutil
import xml.etree.ElementTree

import pytest

from conftest import fingerprints
from kit import source
from table import MACHINES, SHARED


def test_the_suite_inside(guest):
    """Its tests are counted by themselves; here it's that all of them ran, on Debian's kernel."""
    assert guest.told("kernel").strip() == next(
        pathlib.Path(os.environ["OCI_CNB_KERNEL"], "lib/modules").iterdir()).name
    told = guest.told("guest.log")
    cases = xml.etree.ElementTree.fromstring(guest.told("guest.xml")).findall(".//testcase")
    if "OCI_CNB_RESULTS" in os.environ:
        shutil.copy(guest.results / "guest.xml", os.environ["OCI_CNB_RESULTS"])
    here = MACHINES["guest"]
    assert len(cases) >= len(here.sources) * len(here.scratches), told
    assert not [case for case in cases if list(case)], told


@pytest.mark.parametrize("share", SHARED)
def test_doctor_names_the_share(guest, share):
    assert f'"/run/volumes/{share}" is the host\'s ({share}): for sources' in guest.told("doctor")


@pytest.mark.parametrize("share", SHARED)
def test_sources_are_unchanged(guest, before, shares, share):
    assert before[share].keys() == {"rootful", "rootless", "other"}
    after = fingerprints(shares[share])
    changes = [line for kind, told in before[share].items()
               for line in source.difference(told, after[kind])]
    assert changes == []
