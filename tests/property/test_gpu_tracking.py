"""Laws of who is on the node: whatever identities a driver gives, nothing raises and no GPU is left out."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker
from tests.cases import examples

UUIDS = st.sampled_from(
    [None, "", " ", "\t", "N/A", "[N/A]", "GPU-a", "GPU-b", "index 0", "index lost-0", "\ud800", "a\nb"]
)
INDEXES = st.sampled_from([0, 1, 2, 7, -1, "0", "1:0", "lost-0", "twin-0", "lost-GPU-a", "", "lost-index 0"])
GPUS = st.builds(
    GPU,
    index=INDEXES,
    uuid=UUIDS,
    name=st.sampled_from([None, "", "H100"]),
    status=st.sampled_from([None, "ok", "lost"]),
    mig=st.sampled_from([None, False, True]),
    xid=st.sampled_from([None, 48]),
    power=st.just(300),
)
POLLS = st.lists(st.tuples(st.lists(GPUS, max_size=4), st.sampled_from([0.0, 1.0, 59.0, 61.0])), max_size=6)


@given(POLLS)
@settings(max_examples=examples(400), deadline=None)
def test_a_gpu_that_is_listed_and_answers_is_reported_with_its_readings(polls):
    presence, now = GpuTracker(drop_after=60.0), 0.0
    for gpus, passed in polls:
        now += passed
        reported = Snapshot(gpus=tuple(gpus))
        seen = presence.complete(reported, now)
        assert [(g.index, g.power) for g in seen.gpus if not g.is_lost] == [
            (g.index, g.power) for g in reported.gpus if not g.is_lost
        ]
        assert len({gpu.identity for gpu in seen.gpus}) == len({gpu.index for gpu in seen.gpus}) == len(seen.gpus)


@given(st.lists(GPUS, max_size=6))
@settings(max_examples=examples(300), deadline=None)
def test_a_snapshot_only_leaves_out_what_it_has_already(gpus):
    kept = Snapshot(gpus=tuple(gpus)).gpus
    assert len(kept) == len({(gpu.identity, gpu.index) for gpu in gpus})
    assert len({gpu.identity for gpu in kept}) == len({gpu.index for gpu in kept}) == len(kept)


@given(st.lists(GPUS, max_size=6))
@settings(max_examples=examples(200), deadline=None)
def test_gpus_that_were_distinguished_stay_distinct_through_json(gpus):
    snapshot = Snapshot(gpus=tuple(gpus))
    again = Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict())))
    assert [gpu.identity for gpu in again.gpus] == [gpu.identity for gpu in snapshot.gpus]
    assert again.problems == ()


def test_a_gpu_whose_uuid_is_empty_is_seen_at_every_poll():
    presence = GpuTracker()
    for now in range(5):
        kept = presence.complete(Snapshot(gpus=(GPU(index=0, uuid="", power=now), GPU(index=1, uuid="GPU-b"))), now)
        assert [(gpu.index, gpu.power) for gpu in kept.gpus] == [(0, now), (1, None)]


def test_an_empty_uuid_once_blinds_no_later_poll():
    presence = GpuTracker()
    presence.complete(Snapshot(gpus=(GPU(index=0, uuid=""),)), 0)
    for now in (1, 2, 3):  # a GPU with a name has its index now: KeyError 'index lost-0' at each of them
        kept = presence.complete(Snapshot(gpus=(GPU(index=0, uuid="GPU-a"),)), now)
        assert [(gpu.index, gpu.uuid, gpu.is_lost) for gpu in kept.gpus] == [(0, "GPU-a", False)]


def test_a_gpu_that_once_does_not_report_its_uuid_is_still_the_same():
    presence = GpuTracker()
    presence.complete(Snapshot(gpus=(GPU(index=0, uuid="GPU-a", name="H100"), GPU(index=1, uuid="GPU-b"))), 0)
    for uuid in ("", None, "[N/A]"):
        kept = presence.complete(Snapshot(gpus=(GPU(index=0, uuid=uuid), GPU(index=1, uuid="GPU-b"))), 1)
        assert [(gpu.uuid, gpu.name, gpu.is_lost) for gpu in kept.gpus] == [
            ("GPU-a", "H100", False),
            ("GPU-b", None, False),
        ]


def test_a_gpu_that_does_not_report_its_uuid_is_not_taken_for_another_while_one_is_gone():
    presence = GpuTracker()
    presence.complete(Snapshot(gpus=(GPU(index=0, uuid="GPU-a"), GPU(index=1, uuid="GPU-b"))), 0)
    kept = presence.complete(Snapshot(gpus=(GPU(index=0),)), 1)
    assert [(gpu.uuid, gpu.is_lost) for gpu in kept.gpus] == [(None, False), ("GPU-a", True), ("GPU-b", True)]


def test_a_gpu_without_a_uuid_that_vanishes_is_lost_under_its_index():
    presence = GpuTracker()
    presence.complete(Snapshot(gpus=(GPU(index=0, power=1), GPU(index=1, power=2))), 0)
    kept = presence.complete(Snapshot(gpus=(GPU(index=0, power=1),)), 1)
    assert [(gpu.index, gpu.is_lost) for gpu in kept.gpus] == [(0, False), (1, True)]
