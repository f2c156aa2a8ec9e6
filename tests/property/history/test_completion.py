"""GPUs that stay for many frames, then go, change or come: the kernel and the engine know the same of them."""

import json
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.history.backtest.task import wanted_columns
from gpurules.history.frames.completion import FrameCompletion
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.replay import Replayer
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.frame import DEFERRED
from gpurules.history.store.maintenance import compact
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Snapshot
from gpurules.rules import Ruleset, loads
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker
from tests.factories import NEW_YEAR, gpu, snapshot
from tests.history_cases import Observed, differences

CONDITIONS = (
    "gpu_status == 'lost'", "gpu_index > 0 AND gpu_memory > 50", "gpu_name == 'b' OR gpu_uuid == 'GPU-1'",
    "gpu_count < 3", "gpu_lost_count > 0", "gpu_xid == 79 AND gpu_xid_age < 1m", "gpu_xid_age >= 85s",
    "any(gpu_memory > 80)",
)  # fmt: skip
KINDS = ("drop", "drop", "order", "index", "name", "uuid", "lost", "new")


def rules() -> Ruleset:
    listed = [{"name": f"r{n}", "condition": text, "action": "pause_transfer"} for n, text in enumerate(CONDITIONS)]
    signals = {"full": {"condition": "gpu_memory > 80", "until": "gpu_memory < 60", "keep_for": "30s"}}
    settings = {"forget_gpu_after": "2d"}
    return loads(json.dumps({"version": 1, "name": "c", "settings": settings, "signals": signals, "rules": listed}))


def history_of(rng: random.Random, seconds: float) -> list[Observed]:
    """Return snapshots of GPUs that are steady, except for a few events that last one to nine snapshots."""
    present = [{"index": n, "uuid": f"GPU-{n}", "name": rng.choice("ab")} for n in range(3)]
    observed: list[Observed] = []
    for event in [None, *(rng.choice(KINDS) for _ in range(4))]:
        for length in (rng.randint(1, 9), rng.randint(5, 25)):
            for _ in range(length if event or observed else 25):
                readings = [
                    {**one, "memory": rng.choice([30, 70, 90]), "xid": 79, "xid_age": rng.choice([5, 30, 60])}
                    for one in present
                ]
                changed = readings if event is None else with_event(event, readings)
                at = NEW_YEAR + seconds * len(observed)
                observed.append((Snapshot.from_dict({"timestamp": at, "gpus": changed}), {}))
            event = None
    return observed


def with_event(event: str, given: list[dict[str, object]]) -> list[dict[str, object]]:
    first, *others = given
    match event:
        case "drop":
            return others
        case "order":
            return [*others, first]
        case "index":
            return [{**first, "index": 7}, *others]
        case "name":
            return [{**first, "name": "b"}, *others]
        case "uuid":
            return [{**first, "uuid": None}, *others]
        case "lost":
            return [{**first, "healthy": False, "status": "lost"}, *others]
        case _:
            return [*given, {"index": 9, "uuid": "GPU-9", "memory": 90}]


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([2, 3, 7]))
def test_gpus_that_were_not_looked_at_for_a_while_are_known_when_they_change(seed: int, batch: int) -> None:
    assert differences(rules(), history_of(random.Random(seed), 20.0), batch) == []


@settings(max_examples=2)
@given(st.integers(0, 2**32))
def test_columns_that_are_read_late_are_those_of_the_rows(seed: int) -> None:
    ruleset, observed = rules(), history_of(random.Random(seed), 21_600.0)
    plan = KernelPlan.of(ruleset)
    with TemporaryDirectory() as folder:
        storage = Storage(Path(folder))
        with StoreWriter(storage, "n", 40_000.0) as writer:
            for one, facts in observed:
                writer.add(one, facts)
        lean = list(StoreReader(storage).frames("n", wanted_columns((plan,)) - DEFERRED))
        whole = list(StoreReader(storage).frames("n"))
        kernel, engine = Kernel(plan), Replayer(plan)
        for frame, full in zip(lean, whole, strict=True):
            mine, true = kernel.advance(frame), engine.advance(full)
            for name, truths in true.rules.items():
                assert sorted(mine.rules[name].true.tolist()) == sorted(truths.true.tolist()), name
            assert {replace(one, device=None) for one in true.transitions} == {*mine.transitions}


def test_frames_that_go_on_do_not_read_what_distinguishes_gpus(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(40):
            here = (gpu(0, uuid="a"), gpu(1, uuid="b"))
            writer.add(snapshot(*here[: 1 if n >= 36 else 2], at=7200.0 * n))
    first, *going, last = StoreReader(storage).frames("n", frozenset({"status", "healthy"}))
    completion = FrameCompletion(GpuTracker())
    completion.complete(first)
    assert all(completion.complete(frame).owners == ("a", "b") for frame in going)
    assert "_deferred" in vars(first)
    assert not any("_deferred" in vars(frame) for frame in going)
    assert completion.complete(last).owners == ("a", "b")
    assert ["_deferred" in vars(frame) for frame in going] == [False] * (len(going) - 1) + [True]


def test_columns_are_found_in_the_file_that_replaced_those_of_the_day(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 10.0) as writer:
        for n in range(6):
            writer.add(snapshot(gpu(1, uuid="b"), gpu(0, uuid="a"), at=10.0 * n))
    (frame,) = StoreReader(storage).frames("n", frozenset({"status"}))
    (gone,) = StoreReader(storage).frames("n", frozenset({"status"}))
    assert list(compact(storage, Findings()))
    assert frame.position.tolist() == [1] * 6 + [0] * 6
    assert [one.index for one in frame.gpus_of([0, 11])] == [0, 1]
    (path,) = (tmp_path / part.path for part in storage.parts("telemetry"))
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.filter(pa.array([n % 2 == 0 for n in range(12)])), path)
    assert [one.uuid for one in gone.gpus_of([0, 1, 11])] == ["a", None, None]


def test_identities_that_another_program_left_out_are_read_from_the_uuids(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(3):
            writer.add(snapshot(gpu(0, uuid="a"), gpu(1, uuid=None), at=5.0 * n))
    (path,) = (tmp_path / part.path for part in storage.parts("telemetry"))
    table = pq.read_table(path, partitioning=None)
    nothing = pa.array([None, "a", "a", None, None, None], pa.string())
    for change in (table.drop_columns("identity"), table.set_column(0, "identity", nothing)):
        pq.write_table(change, path)
        (frame,) = StoreReader(storage).frames("n", frozenset({"memory"}))
        assert set(frame.owners) == {"a", "index 1"}
