"""A field over time from the store: paged, it is what was recorded; what is damaged or missing is named."""

import random
from itertools import count
from pathlib import Path

import pytest

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.series import FieldSeries, SeriesQuery, read_series
from gpurules.history.store.maintenance import compact
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Snapshot
from tests.cases import representative
from tests.factories import NEW_YEAR, gpu, snapshot

NIGHT = 86_400.0
"""A midnight, in seconds of the year, so that what is recorded lies on both sides of it."""


def recorded(rng: random.Random, place: Path) -> tuple[Storage, list[Snapshot]]:
    """Return a store of one node, in files of random length, partly compacted, and what is in it."""
    storage, at, kept = Storage(place), NIGHT - rng.uniform(0, 200), []
    with StoreWriter(storage, "n", rng.choice([5.0, 30.0, 1e9])) as writer:
        for number in range(rng.randint(1, 60)):
            at += rng.choice([1.0, 1.0, 7.3, 0.25])
            gpus = [
                gpu(index, temperature=rng.choice([None, 20.0 + number]), missing={"temperature": "asleep"})
                for index in rng.sample(["0", "1", "0:2"], rng.randint(0, 3))
            ]
            kept.append(snapshot(*gpus, at=at))
            writer.add(kept[-1])
            if rng.random() < 0.05:
                writer.flush()
                list(compact(storage, Findings()))
    return storage, kept


def expected(kept: list[Snapshot], query: SeriesQuery) -> list[tuple[float, dict[str, float]]]:
    """Return the same from the snapshots themselves: the last of each step, and the values that are there."""
    last: dict[float, Snapshot] = {}
    for one in kept:
        if query.since <= one.timestamp < query.until:
            last[one.timestamp // query.step if query.step else one.timestamp] = one
    return [
        (
            one.timestamp,
            {
                str(g.index): g.temperature
                for g in one.gpus
                if g.temperature is not None and query.gpu in (None, str(g.index))
            },
        )
        for one in last.values()
    ]


def rows(found: FieldSeries) -> list[tuple[float, dict[str, float]]]:
    return [
        (at, {index: value for index, values in found.gpus.items() if (value := values[place]) is not None})
        for place, at in enumerate(found.times)
    ]


@pytest.mark.parametrize("seed", representative(range(60), 12))
def test_its_pages_together_are_what_was_recorded(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    storage, kept = recorded(rng, tmp_path)
    since = rng.choice([0.0, kept[0].timestamp, rng.uniform(kept[0].timestamp - 5, kept[-1].timestamp + 5)])
    until = rng.choice([1e12, rng.uniform(since, kept[-1].timestamp + 5)])
    query = SeriesQuery(
        "n", "temperature", since, until, rng.choice([0, 0, 0.5, 10, 3600]), rng.choice([None, None, "1"]),
        rng.choice([1, 3, 5000]),
    )  # fmt: skip
    ticks = count()
    slow = rng.random() < 0.5  # a clock on which the time for reading is over at every look
    found: list[tuple[float, dict[str, float]]] = []
    at: float | None = since
    while at is not None:
        asked = SeriesQuery("n", "temperature", at, until, query.step, query.gpu, query.limit)
        page = read_series(storage, asked, 0.5, (lambda: float(next(ticks))) if slow else (lambda: 0.0))
        assert len(page.times) <= query.limit and page.findings.texts == []
        assert page.following is None or page.following > at
        assert all(len(values) == len(page.times) for values in page.gpus.values())
        found += rows(page)
        at = page.following
    steps = [at // query.step if query.step else at for at, _ in found]
    if not slow:  # a page may end within a step when reading takes too long; then the step is in both
        assert len(steps) == len(set(steps))
        assert found == expected(kept, query)
    elif not query.step:
        assert found == expected(kept, query)


def test_it_says_why_a_value_is_missing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n") as writer:
        writer.add(snapshot(gpu(0, temperature=None, missing={"temperature": "not supported"}), gpu(1), at=10.0))
        writer.add(snapshot(gpu(0, temperature=50.0), gpu(1), at=20.0))
    found = read_series(storage, SeriesQuery("n", "temperature", NEW_YEAR, NEW_YEAR + 100))
    assert found.times == [NEW_YEAR + 10, NEW_YEAR + 20]
    assert found.gpus["0"] == [None, 50.0] and found.reasons == {"0": "not supported"}


@pytest.mark.parametrize("table", ["node", "telemetry"])
def test_a_damaged_file_is_named_and_the_others_are_read(table: str, tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 10.0) as writer:
        for second in range(40):
            writer.add(snapshot(gpu(0, temperature=second), at=float(second)))
    damaged = [part for part in storage.day("n", "2026-01-01") if part.table == table][1]
    Path(tmp_path, damaged.path).write_bytes(b"PAR1 not any more")
    found = read_series(storage, SeriesQuery("n", "temperature", NEW_YEAR, NEW_YEAR + 100))
    assert len(found.times) == 40 and found.gpus["0"].count(None) == (11 if table == "telemetry" else 0)
    assert len(found.findings.texts) == 1 and damaged.path in found.findings.texts[0]


def test_another_node_and_an_empty_place_have_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "nothing")
    assert read_series(storage, SeriesQuery("n", "temperature", NEW_YEAR, NEW_YEAR + 100)).times == []
    with StoreWriter(storage, "n") as writer:
        writer.add(snapshot(gpu(0, temperature=1), at=10.0))
    assert read_series(storage, SeriesQuery("m", "temperature", NEW_YEAR, NEW_YEAR + 100)).times == []


def test_values_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpurules.history.store.format.series.MAX_VALUES", 25)
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n") as writer:
        for second in range(10):
            writer.add(snapshot(*(gpu(index, temperature=second) for index in range(5)), at=float(second)))
    found = read_series(storage, SeriesQuery("n", "temperature", NEW_YEAR, NEW_YEAR + 100))
    assert len(found.gpus) == 2 and "more than 25 values" in found.findings.texts[0]
