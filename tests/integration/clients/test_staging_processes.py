"""Processes that share one staging area, some of them killed, each get the right bytes and leave it sound."""

import json
import os
import shutil
import subprocess
import sys
import time
from random import Random

import pytest

from gpurules.clients import StagingArea
from tests.integration.clients import staging_disk, staging_worker
from tests.integration.clients.crashing import ROOT


def started(folder, seed, rounds):
    command = [sys.executable, "-m", staging_worker.__name__, folder / "area", folder, str(seed), str(rounds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_that_are_killed_at_random_leave_others_the_right_bytes_and_the_quota(tmp_path):
    random, seed = Random(14), 0
    steady = [started(tmp_path, 100 + number, 60) for number in range(2)]
    killed = 0
    while any(process.poll() is None for process in steady) and killed < 20:
        seed += 1
        victim = started(tmp_path, seed, 1000)
        time.sleep(0.6 + random.random())  # the point at which a process is killed is random on purpose
        victim.kill()
        _, said = victim.communicate(timeout=30)
        assert "is wrong" not in said, said
        killed += 1
    for process in steady:
        out, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        faults = json.loads(out)
        assert set(faults) <= {"staging_full", "transfer_resumed", "piece_damaged", "staging_damaged"}, faults
    assert killed >= 2
    area = StagingArea(tmp_path / "area", staging_worker.QUOTA)
    area.room.sweep(older_than_seconds=-1)
    assert area.used <= staging_worker.QUOTA
    names = {path.name for path in area.path.iterdir()} - {"area.lock"}
    copies = {name for name in names if len(name) == 64}
    assert names == copies | {f"{name}.seal" for name in copies} | {f"{name}.lock" for name in copies}
    assert area.used == staging_worker.SIZE * len(copies)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount disks")
@pytest.mark.parametrize(
    ("what", "when"),
    [
        *((what, "before") for what in staging_disk.HAPPENS),
        *((what, "reading") for what in staging_disk.HAPPENS),
        *((what, "while") for what in staging_disk.HAPPENS if what != "read only"),  # busy, while it is written to
    ],
)
def test_whatever_becomes_of_a_real_disk_readers_get_the_right_bytes(tmp_path, what, when):
    isolated = ["unshare", "--mount", "--propagation", "private"]
    if shutil.which("unshare") is None or subprocess.run([*isolated, "true"], check=False).returncode:
        pytest.skip("no mount namespaces here")
    command = [*isolated, sys.executable, "-m", staging_disk.__name__, tmp_path, what, when]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    counted = set(json.loads(done.stdout.splitlines()[-1]))
    assert counted <= {"staging_full", "staging_failed", "staging_refused"}
    if when == "before" and what != "full":  # there another copy makes room
        assert counted, "it went directly"
