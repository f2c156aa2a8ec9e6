"""The story of the alerts is in order, and nothing of it is lost."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")), reason="needs Alertmanager"
)
ROOT = Path(__file__).resolve().parents[3]
STEPS = (
    r"GPU 0 heats up",
    r"one alert, for GPU 0 +\[gpu_too_hot: GPU 0 of node-7 at 91 C\]",
    r"GPU 1 joins",
    r"the same alert names GPU 0 and 1 +\[gpu_too_hot: GPU 0, 1 of node-7 at 91 C, 93 C\]",
    r"Alertmanager is killed",
    r"two rules wait for it",
    r"an attempt has failed",
    r"is back, and has forgotten everything",
    r"it has heard of everything .*gpu_too_hot: GPU 0, 1, 2 of node-7 at 91 C, 93 C, 90 C",
    r"all GPUs cool down",
    r"all alerts are resolved$",
    r"[1-9]\d* attempts repeated, 0 failed, 0 dropped",
)


def test_the_story_of_the_alerts():
    done = subprocess.run(
        [sys.executable, "-m", "examples.alerts"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    at = 0
    for step in STEPS:
        found = re.compile(step, re.MULTILINE).search(done.stdout, at)
        assert found, f"{step!r} is missing, or not in its place:\n{done.stdout}"
        at = found.end()
