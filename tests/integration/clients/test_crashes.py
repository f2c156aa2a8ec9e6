"""A process killed at any system call leaves the old file, the new file, or what the next transfer continues with."""

import pytest

from tests.cases import EXHAUSTIVE, representative
from tests.integration.clients.crashing import crash_at_every_step

SCENARIOS = "tests.integration.clients.crash_scenarios"


@pytest.mark.parametrize("torn", representative([True, False], 1), ids=["torn writes", "whole writes"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("PUBLISH", marks=EXHAUSTIVE),  # what DURABLE does as well
        "DURABLE",
        pytest.param("RESUME", marks=EXHAUSTIVE),  # what RESUME_TWICE does as well
        "RESUME_TWICE",
        "INTERRUPT",
        "DISCARD",
        "CHANGE",
    ],
)
def test_a_download_that_is_killed_at_any_step_never_leads_to_wrong_bytes(name, torn, tmp_path):
    crashes = crash_at_every_step(f"{SCENARIOS}:{name}", tmp_path, torn)
    assert crashes.failures == ()
    assert crashes.steps >= 5, crashes.calls
    assert ("rename" in crashes.calls) == (name in ("PUBLISH", "DURABLE", "RESUME", "RESUME_TWICE"))


def test_the_shim_kills_at_the_calls_that_change_files(tmp_path):
    calls = crash_at_every_step(f"{SCENARIOS}:PUBLISH", tmp_path).calls
    assert {"open64", "flock", "ftruncate64", "write", "pwrite64", "unlink"} <= set(calls)
    assert calls[-2:] == ("rename", "unlink")


@pytest.mark.parametrize("torn", representative([True, False], 1), ids=["torn writes", "whole writes"])
@pytest.mark.parametrize(("name", "least"), [("UPLOAD", 8), ("RESUME_UPLOAD", 5), ("SWEEP_UPLOADS", 3)])
def test_a_note_of_an_upload_that_is_killed_at_any_step_never_says_what_is_not(name, least, torn, tmp_path):
    crashes = crash_at_every_step(f"{SCENARIOS}:{name}", tmp_path, torn)
    assert crashes.failures == ()
    assert crashes.steps >= least, crashes.calls


def test_a_durable_download_is_on_disk_before_it_is_published_and_so_is_the_rename(tmp_path):
    calls = crash_at_every_step(f"{SCENARIOS}:DURABLE", tmp_path).calls
    at = calls.index("rename")
    assert ("fdatasync" in calls[:at], "fsync" in calls[at:]) == (True, True)
    assert calls.index("fdatasync") > max(place for place, call in enumerate(calls) if call == "pwrite64")
