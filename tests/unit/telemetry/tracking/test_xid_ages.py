"""The age of an Xid error of a source that reports the error only: from when it was first seen, or changed."""

import json

import pytest

from gpurules.engine import Engine
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads
from gpurules.telemetry import replay
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.tracking.xid_ages import NO_ERROR, XidAges

RULES = """
version: 1
name: xids
rules:
  - {name: xid, condition: "gpu_xid IN (48, 79) AND gpu_xid_age < 5m", action: log, parameters: {message: xid}}
"""


def ages(xids, step=10.0, make=XidAges):
    tracker = make()
    snapshots = [Snapshot(timestamp=step * at, gpus=(GPU(index=0, uuid="a", xid=xid),)) for at, xid in enumerate(xids)]
    return [tracker.complete(snapshot, snapshot.timestamp).gpus[0].xid_age for snapshot in snapshots]


@pytest.mark.parametrize(
    ("xids", "expected"),
    [
        ([79, 79, 79], [0, 10, 20]),
        ([0, 0, 79, 79], [None, None, 0, 10]),
        ([31, 31, 79, 79], [0, 10, 0, 10]),
        ([79, 0, 79], [0, None, 0]),
        ([79, None, 79], [0, None, 20]),
        ([None, 0], [None, None]),
    ],
    ids=["stays", "comes", "changes", "is cleared and comes again", "is not reported once", "none"],
)
def test_the_age_counts_from_when_the_number_was_seen_first(xids, expected):
    assert ages(xids) == expected


def test_no_error_has_no_age_and_says_why():
    gpu = XidAges().complete(Snapshot(gpus=(GPU(index=0, xid=0),)), 5.0).gpus[0]
    assert (gpu.xid, gpu.xid_age, gpu.missing["xid_age"]) == (0, None, NO_ERROR)


def test_an_age_that_the_source_reports_is_kept():
    snapshot = Snapshot(gpus=(GPU(index=0, xid=79, xid_age=3.0), GPU(index=1)))
    assert XidAges().complete(snapshot, 100.0) is snapshot


def test_a_clock_that_goes_back_makes_no_age_below_0():
    tracker, snapshot = XidAges(), Snapshot(gpus=(GPU(index=0, xid=79),))
    tracker.complete(snapshot, 100.0)
    assert tracker.complete(snapshot, 40.0).gpus[0].xid_age == 0


def test_gpus_have_ages_of_their_own_and_memory_is_bounded():
    tracker = XidAges()
    for number in range(10_000):
        tracker.complete(Snapshot(gpus=(GPU(index=0, uuid=f"GPU-{number}", xid=79),)), float(number))
    assert len(tracker._since) <= 4096
    assert tracker.complete(Snapshot(gpus=(GPU(index=0, uuid="GPU-9999", xid=79),)), 10_009.0).gpus[0].xid_age == 10


def scrape(xid, time):
    labels = '{gpu="0",UUID="GPU-a",Hostname="n1"}'
    return f"DCGM_FI_DEV_GPU_TEMP{labels} 50 {time}000\nDCGM_FI_DEV_XID_ERRORS{labels} {xid} {time}000\n"


def test_a_recording_of_dcgm_starts_and_ends_the_rule_for_new_errors(tmp_path):
    path = tmp_path / "scrapes.prom"
    start = 1_777_118_400
    path.write_text("".join(scrape(xid, start + 120 * at) for at, xid in enumerate([0, 79, 79, 79, 79, 48])))
    engine = Engine(loads(RULES), clock=lambda: 0.0)
    matching = []
    for snapshot in replay(path):
        engine.observe(snapshot)
        matching.append(bool(engine.decide().rules))
    assert matching == [False, True, True, True, False, True]  # 0, 2 and 4 minutes old, then 6; then another error


def test_a_recording_in_jsonl_with_the_error_only_has_an_age_too(tmp_path):
    path = tmp_path / "node.jsonl"
    gpu = {"index": 0, "uuid": "a", "xid": 79}
    path.write_text("".join(json.dumps({"timestamp": at, "gpus": [gpu]}) + "\n" for at in (100, 107)))
    assert [snapshot.gpus[0].xid_age for snapshot in replay(path)] == [0, 7]


class Exporter:
    """A reader whose GPU falls off the bus after an Xid error."""

    def __init__(self):
        self.gpus = [(GPU(index=0, uuid="a", xid=79),), (GPU(index=0, uuid="a", xid=79),), (), ()]

    def read(self, request):
        return Snapshot(timestamp=1.0, host="n", gpus=self.gpus.pop(0))

    def close(self):
        pass


def test_live_the_age_goes_on_while_the_gpu_is_lost():
    times = iter([100.0, 110.0, 120.0, 130.0])
    source = LiveSource("dcgm", Exporter(), clock=lambda: next(times))
    gpus = [source.read().gpus[0] for _ in range(4)]
    assert [(gpu.xid, gpu.xid_age, gpu.is_lost) for gpu in gpus] == [
        (79, 0, False), (79, 10, False), (79, 20, True), (79, 30, True)
    ]  # fmt: skip
