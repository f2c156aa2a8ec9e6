"""A health check over a driver that hangs: it answers in time, and says that it does not know."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.nvml.node import Node

CALL = (sys.executable, "-m", "gpurules", "health", "gpurules:health", "--format", "npd")


@pytest.mark.parametrize("mode", ["process", "thread", "inline"])
def test_a_driver_that_hangs_is_unknown_within_the_deadline(mode: str, library: Path, node: Node) -> None:
    node.add()
    node.hang("system")
    begun = time.monotonic()
    source = f"nvml:library={library},mode={mode}"
    done = subprocess.run([*CALL, "--source", source, "--deadline", "1.5s"], capture_output=True, timeout=20)
    assert time.monotonic() - begun < 4
    assert done.returncode == 2
    assert done.stdout.startswith(b"unknown: ") and len(done.stdout) <= 80
    assert done.stderr == b""


def test_a_driver_that_answers_is_checked(library: Path, node: Node) -> None:
    node.add()
    source = ("--source", f"nvml:library={library}", "--deadline", "30s")  # the machine of the tests may be busy
    done = subprocess.run([*CALL, *source], capture_output=True, timeout=40)
    assert (done.returncode, done.stdout[:9], done.stderr) == (0, b"healthy: ", b"")
