"""The past of GPUs over HTTP: from memory, and from the recording store where an agent was not there to remember."""

import time
from pathlib import Path

import pytest

from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import GPU, Snapshot
from tests.integration.service.agents import RunningAgent, Start
from tests.waiting import wait_until

DAY = 86_400
HOST = "node-1"
"""What the simulated node calls itself."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def since(store: Path) -> float:
    """From when on a day was recorded by another agent, a snapshot a minute for an hour; GPU 1 has no temperature."""
    began = float(int(time.time()) - DAY)
    with StoreWriter(Storage(store), HOST) as writer:
        for minute in range(60):
            cold = GPU(index=1, uuid="b", missing={"temperature": "no sensor"})
            gpus = (GPU(index=0, uuid="a", temperature=float(minute)), cold)
            writer.add(Snapshot(timestamp=began + 60 * minute, gpus=gpus))
    return began


@pytest.fixture(scope="module")
def keeper(start: Start, store: Path, since: float) -> RunningAgent:
    agent = start("--history", str(store))
    wait_until(lambda: len(agent.ask("GET", "/v1/history?field=temperature").json["times"]) >= 2)
    return agent


def test_the_store_answers_where_memory_does_not_reach(keeper: RunningAgent, since: float) -> None:
    found = keeper.ask("GET", f"/v1/history?field=temperature&since={since}").json
    assert found["times"][:60] == [since + 60 * minute for minute in range(60)]
    assert found["gpus"]["0"][:60] == [float(minute) for minute in range(60)]
    assert found["gpus"]["1"][:60] == [None] * 60 and found["missing"] == {"1": "no sensor"}
    assert len(found["times"]) >= 62 and None not in found["gpus"]["1"][60:], "what memory has comes after it"
    assert found["next"] is None and found["problems"] == []


def test_long_answers_come_in_pages(keeper: RunningAgent, since: float) -> None:
    times: list[float] = []
    at: float | None = since
    while at is not None and len(times) < 100:
        found = keeper.ask("GET", f"/v1/history?field=temperature&gpu=0&since={at!r}&limit=25&step=30").json
        assert len(found["times"]) <= 25 and all(len(of) == len(found["times"]) for of in found["gpus"].values())
        times, at = times + found["times"], found["next"]
    assert times[:60] == [since + 60 * minute for minute in range(60)] and times == sorted(set(times))


def test_a_damaged_store_is_reported_and_memory_answers(start: Start, tmp_path: Path, since: float) -> None:
    folder = tmp_path / "telemetry" / f"date={time.strftime('%Y-%m-%d', time.gmtime(since))}" / f"node={HOST}"
    folder.mkdir(parents=True)
    (folder / "part-000000000000001-aa.parquet").write_bytes(b"cut short")
    agent = start("--history", str(tmp_path))
    wait_until(lambda: len(agent.ask("GET", "/v1/history?field=temperature").json["times"]) >= 2)
    found = agent.ask("GET", f"/v1/history?field=temperature&since={since}").json
    assert len(found["times"]) >= 2 and "part-000000000000001-aa.parquet: cannot be read" in found["problems"][0]


def test_what_an_agent_recorded_is_there_after_a_restart(start: Start, tmp_path: Path) -> None:
    first = start("--history", str(tmp_path))
    wait_until(lambda: len(first.ask("GET", "/v1/history?field=temperature").json["times"]) >= 2)
    before = first.ask("GET", "/v1/history?field=temperature").json
    assert first.stop() == 0
    found = start("--history", str(tmp_path)).ask("GET", "/v1/history?field=temperature&gpu=0").json
    places = {at: place for place, at in enumerate(found["times"])}
    for place, at in enumerate(before["times"]):
        assert found["gpus"]["0"][places[at]] == before["gpus"]["0"][place]
