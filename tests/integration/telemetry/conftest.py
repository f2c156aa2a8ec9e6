"""Recordings of real devices, which stand beside the checkout where there are any."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data(root: Path) -> Path:
    """The folder of recordings; without it the tests that need one are skipped."""
    folder = root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no recordings of real devices beside the checkout")
    return folder
