"""A process killed at any system call leaves the old file, the new file, or what the next transfer continues with."""

import pytest

from tests.integration.clients.crashing import crash_at_every_step

SCENARIOS = "tests.integration.clients.crash_scenarios"


@pytest.mark.parametrize("torn", [False, True], ids=["whole writes", "torn writes"])
@pytest.mark.parametrize("name", ["PUBLISH", "RESUME", "RESUME_TWICE", "INTERRUPT", "DISCARD", "CHANGE"])
def test_a_download_that_is_killed_at_any_step_never_leads_to_wrong_bytes(name, torn, tmp_path):
    crashes = crash_at_every_step(f"{SCENARIOS}:{name}", tmp_path, torn)
    assert crashes.failures == ()
    assert crashes.steps >= 5 and {"unlink", "ftruncate64"} & set(crashes.calls), crashes.calls
