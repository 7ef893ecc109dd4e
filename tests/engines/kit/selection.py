"""Which of a suite's tests are part of a run."""

import os
import shutil


def keep(config, items, fits):
    """The others aren't part of this run at all."""
    config.hook.pytest_deselected(items=[item for item in items if not fits(item)])
    items[:] = [item for item in items if fits(item)]


def fits_user(item):
    """Not marked as a test for the other kind of user."""
    unfit = "rootless" if os.geteuid() == 0 else "rootful"
    return not item.get_closest_marker(unfit)


def fits_machine(item):
    """A tree that has engines only lacks what builds, and much else."""
    return shutil.which("cmake") or not item.get_closest_marker("build_machine")
