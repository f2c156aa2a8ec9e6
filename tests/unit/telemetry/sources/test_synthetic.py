"""The simulated node, its transfers, and the demo recording."""

from itertools import pairwise

import pytest

from gpurules.model import Snapshot
from gpurules.resources import resource_root
from gpurules.telemetry import (
    EndOfTelemetry,
    Scenario,
    Synthetic,
    read_transfers,
    replay,
    simulate_transfers,
    write_recording,
)

HOUR = tuple(Synthetic())


def test_the_same_seed_gives_the_same_snapshots_and_another_does_not():
    scenario = Scenario(seconds=300)
    assert list(Synthetic(scenario)) == list(Synthetic(scenario))
    assert list(Synthetic(scenario)) != list(Synthetic(Scenario(seconds=300, seed=8)))


def test_snapshots_stand_an_interval_apart_and_end():
    source = Synthetic(Scenario(gpus=1, seconds=3, interval=1, start=100))
    assert [source.read().timestamp for _ in range(3)] == [100, 101, 102]
    with pytest.raises(EndOfTelemetry, match="the simulation ends after 3 seconds"):
        source.read()


def test_nothing_is_read_from_a_closed_simulation():
    source = Synthetic()
    source.close()
    with pytest.raises(EndOfTelemetry):
        source.read()


def test_memory_swings_over_the_pressure_threshold_and_back():
    full = [snapshot.gpus[3].memory is not None and snapshot.gpus[3].memory > 85 for snapshot in HOUR]
    changes = sum(before != after for before, after in pairwise(full))
    assert changes >= 4


def test_the_badly_cooled_gpu_gets_hot_and_throttles_and_the_others_do_not():
    hottest = [max(s.gpus[index].temperature or 0 for s in HOUR) for index in range(4)]
    assert hottest[1] > 87
    assert max(hottest[0], hottest[2], hottest[3]) < 85
    assert [any(s.gpus[index].throttle_thermal for s in HOUR) for index in range(4)] == [False, True, False, False]
    slowed = [s.gpus[1].clock_sm for s in HOUR if s.gpus[1].throttle_thermal]
    assert set(slowed) == {1_410_000_000}


def test_a_gpu_is_lost_for_minutes_and_comes_back_empty():
    lost = [snapshot.timestamp for snapshot in HOUR if snapshot.gpus[2].is_lost]
    assert 240 <= max(lost) - min(lost) <= 360
    assert all(snapshot.gpus[2].memory is None for snapshot in HOUR if snapshot.gpus[2].is_lost)
    back = next(snapshot for snapshot in HOUR if snapshot.timestamp > max(lost))
    assert back.gpus[2].memory < 5
    assert {snapshot.gpus[2].uuid for snapshot in HOUR} == {HOUR[0].gpus[2].uuid}


def test_single_values_are_missing_now_and_then_with_the_reason():
    omitted = [gpu for snapshot in HOUR for gpu in snapshot.gpus if gpu.missing and not gpu.is_lost]
    assert 5 <= len(omitted) <= 60
    assert all(getattr(gpu, name) is None for gpu in omitted for name in gpu.missing)


def test_without_faults_nothing_is_missing():
    snapshots = list(Synthetic(Scenario(faults=False)))
    assert not any(gpu.missing or gpu.is_lost for snapshot in snapshots for gpu in snapshot.gpus)


def test_a_partitioned_gpu_has_its_memory_on_its_instances():
    snapshot = Synthetic(Scenario(gpus=2, seconds=10, mig=True)).read()
    assert [gpu.index for gpu in snapshot.gpus] == [0, 1, "1:0", "1:1"]
    parent, *instances = snapshot.gpus[1:]
    assert parent.memory_used is None and parent.power is not None
    assert all(gpu.memory_used is not None and gpu.power is None for gpu in instances)
    assert snapshot.gpu_count == 2


def test_a_node_without_gpus_has_empty_snapshots():
    assert [snapshot.gpus for snapshot in Synthetic(Scenario(gpus=0, seconds=20))] == [(), ()]


def test_transfers_are_spread_over_the_time_and_some_serve_a_training():
    scenario = Scenario()
    pairs = simulate_transfers(scenario)
    created = [transfer.created for transfer, _ in pairs]
    assert created == sorted(created)
    assert scenario.start <= created[0] < created[-1] <= scenario.start + scenario.seconds
    assert created[-1] - created[0] > 0.9 * scenario.seconds
    kinds = {workload.type for _, workload in pairs if workload is not None}
    assert kinds == {"training", "inference"}
    assert any(workload is None for _, workload in pairs)
    assert len({transfer.id for transfer, _ in pairs}) == 80
    assert {transfer.operation for transfer, _ in pairs} == {"read", "write", "prefetch"}


def test_the_demo_recording_is_what_the_simulation_writes(tmp_path):
    write_recording(tmp_path / "node.jsonl", tmp_path / "transfers.jsonl")
    for name in ("node.jsonl", "transfers.jsonl"):
        assert (tmp_path / name).read_bytes() == resource_root("demo").joinpath(name).read_bytes()


def test_the_demo_recording_is_small():
    assert sum(len(file.read_bytes()) for file in resource_root("demo").iterdir()) < 600_000


def test_a_recording_replays_to_the_snapshots_it_was_made_of(tmp_path):
    scenario = Scenario(seconds=1800, interval=30, mig=True)
    write_recording(tmp_path / "node.jsonl", tmp_path / "transfers.jsonl", scenario, fields=None)
    assert list(replay(tmp_path / "node.jsonl")) == list(Synthetic(scenario))
    assert tuple(read_transfers(tmp_path / "transfers.jsonl")) == simulate_transfers(scenario)


def test_snapshots_keep_their_meaning_as_json():
    for snapshot in HOUR[::60]:
        assert Snapshot.from_dict(snapshot.to_dict()) == snapshot
