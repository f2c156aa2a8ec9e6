"""A process killed at any system call that it makes in a staging area costs no more than the work that it had done."""

import pytest

from tests.cases import EXHAUSTIVE
from tests.integration.clients.crashing import crash_at_every_step

SCENARIOS = "tests.integration.clients.staging_scenarios"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("STAGE", {"mkdir", "openat64", "flock", "ftruncate64", "pwrite64", "rename", "fchmod", "write"}),
        ("SERVE", {"openat64", "flock", "write", "rename", "utimensat"}),
        pytest.param("MAKE_ROOM", {"unlinkat", "rename"}, marks=EXHAUSTIVE),
        pytest.param("REPLACE", {"unlinkat", "rename"}, marks=EXHAUSTIVE),
        pytest.param("RESUME", {"pwrite64", "rename"}, marks=EXHAUSTIVE),
        pytest.param("SWEEP", {"unlinkat", "flock"}, marks=EXHAUSTIVE),
        pytest.param("GIVE_UP", {"unlinkat", "pwrite64"}, marks=EXHAUSTIVE),
    ],
)
def test_a_process_that_is_killed_at_any_step_leaves_a_sound_area(name, calls, tmp_path):
    crashes = crash_at_every_step(f"{SCENARIOS}:{name}", tmp_path, torn=name in ("STAGE", "REPLACE", "RESUME"))
    assert crashes.failures == ()
    assert calls <= set(crashes.calls)
    assert crashes.steps >= 10
