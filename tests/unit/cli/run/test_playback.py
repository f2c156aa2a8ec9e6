from collections.abc import Sequence

import pytest

from gpurules.cli.run.playback import Decided, NodeChange, Playback
from gpurules.cli.run.timeline import Timeline
from gpurules.engine import Transition
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import loads

RULESET = loads("""\
version: 1
name: node
signals:
  full: {condition: gpu_memory > 85}
rules:
  - {name: less, condition: full, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - {name: trained, condition: active_training, action: increase_priority, parameters: {priority_boost: 5}}
""")


def snapshots(memory: Sequence[float], step: float = 10) -> list[Snapshot]:
    return [
        Snapshot(timestamp=1000 + step * n, gpus=(GPU(index=0, uuid="a", memory=value),))
        for n, value in enumerate(memory)
    ]


def test_a_signal_that_comes_back_within_a_minute_has_flapped() -> None:
    playback = Playback(RULESET)
    list(playback.play(snapshots([50, 90, 50, 90])))
    assert (playback.tally.transitions, playback.tally.flaps) == (3, 1)


def test_a_signal_that_comes_back_later_has_not() -> None:
    playback = Playback(RULESET)
    list(playback.play(snapshots([50, 90, 50, 90], step=61)))
    assert (playback.tally.transitions, playback.tally.flaps) == (3, 0)


def test_node_directives_are_printed_when_they_change() -> None:
    changes = [e for e in Playback(RULESET).play(snapshots([50, 90, 91, 50])) if isinstance(e, NodeChange)]
    assert [change.after.prefetch_factor for change in changes] == [0.5, 1.0]


def test_a_transfer_is_decided_on_what_was_known_when_it_came() -> None:
    pairs = [(Transfer(id=str(created), created=created), None) for created in (1005.0, 1015.0, 1025.0)]
    decided = [e for e in Playback(RULESET, pairs).play(snapshots([50, 90, 50, 50])) if isinstance(e, Decided)]
    assert [event.decision.prefetch_factor for event in decided] == [1.0, 0.5, 1.0]


def test_a_transfer_without_a_time_is_decided_on_the_first_snapshot() -> None:
    (event,) = Playback(RULESET, [(Transfer(id="t"), None)]).play(snapshots([50, 50]))
    assert isinstance(event, Decided)
    assert event.timestamp == 1000


def test_a_workload_is_active_from_its_first_transfer_to_its_last() -> None:
    job = Workload(id="w", type="training")
    pairs = [(Transfer(id=str(n), created=created), job) for n, created in enumerate((1005.0, 1021.0))]
    pairs.append((Transfer(id="late", created=1035.0), None))
    decided = [e for e in Playback(RULESET, pairs).play(snapshots([50] * 5)) if isinstance(e, Decided)]
    assert [event.decision.priority_boost for event in decided] == [0, 5, 0]


def test_a_snapshot_that_goes_back_is_counted_and_passed_over() -> None:
    playback = Playback(RULESET)
    list(playback.play([*snapshots([50, 60]), *snapshots([90])]))
    assert (playback.tally.snapshots, playback.tally.ignored, playback.tally.transitions) == (3, 1, 0)


def test_no_snapshot_gives_no_event() -> None:
    playback = Playback(RULESET, [(Transfer(id="t"), None)])
    assert list(playback.play([])) == []
    assert playback.tally.after_the_end == 1


def test_a_signal_of_a_gpu_that_is_gone_can_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    gone = Snapshot(timestamp=1020, gpus=())
    playback = Playback(RULESET)
    lines = []
    timeline = Timeline(RULESET, is_terminal=False)
    for event in playback.play([*snapshots([90, 90]), gone, Snapshot(timestamp=1100, gpus=())]):
        if isinstance(event, Transition):
            lines += timeline.lines(event, playback.snapshot)
    assert any("telemetry is missing" in line for line in lines)
