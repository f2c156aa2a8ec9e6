"""A store in memory, and a client that a rule has stage all that it reads."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from gpurules.clients import PartOptions, StagingArea
from gpurules.clients.objects.store import ObjectChanged, ObjectFacts, Reading
from gpurules.clients.transfers.object_transfers import ObjectTransfers
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import loads

KIB = 1024
OPTIONS = PartOptions(piece_size=16 * KIB, parts_ahead=2, attempts=2, backoff_seconds=0.001)
RULES = """
version: 1
name: stage
rules:
  - {{name: all, condition: "true", action: stage_transfer, parameters: {{staging_threshold: 0, on_full: {}}}}}
"""


_loaded = cache(loads)


@cache
def content(seed: int = 0, size: int = 100 * KIB + 7) -> bytes:
    return random.Random(seed).randbytes(size)


class Stored:
    """An object in memory; ``reads`` has the start of each ranged read, and *trouble* is raised by the next ones."""

    def __init__(self, url: str = "mem://bucket/key", data: bytes | None = None) -> None:
        self.url = url
        self.data = content() if data is None else data
        self.version = 1
        self.reads: list[int] = []
        self.trouble: Callable[[], BaseException] | None = None

    def change(self, data: bytes) -> None:
        self.data, self.version = data, self.version + 1

    def facts(self) -> ObjectFacts:
        return ObjectFacts(len(self.data), f'"{self.version}"')

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        self.reads.append(start)
        if self.trouble is not None:
            raise self.trouble()
        if etag is not None and etag != self.facts().etag:
            raise ObjectChanged(f"{self.url} has changed")
        return Reading(self.facts(), Chunked(self.data[start : start + size]))


class Chunked:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), 5000):
            yield self._data[start : start + 5000]

    def close(self) -> None:
        pass


class Node:
    """A client with an area, as one process has it."""

    def __init__(self, area: StagingArea, on_full: str = "direct", rules: str = RULES, verify: str = "auto") -> None:
        engine = Engine(_loaded(rules.format(on_full)), clock=lambda: 0.0)
        engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0),)))
        self.governor = Governor(engine)
        self.area = area
        self.transfers = ObjectTransfers("test", self.governor, replace(OPTIONS, verify=verify), area)

    def download(self, source: Stored, target: Path) -> bytes:
        self.transfers.download(source, target, Transfer(path=source.url, operation="read"))
        return target.read_bytes()

    def open(self, source: Stored):
        return self.transfers.open(source, Transfer(path=source.url, operation="read"))

    def read(self, source: Stored) -> bytes:
        with self.open(source) as stream:
            return stream.read()

    def get(self, how: str, source: Stored, folder: Path) -> bytes:
        return self.read(source) if how == "open" else self.download(source, folder / "target")

    @property
    def faults(self) -> dict[str, int]:
        return dict(self.governor.status().faults)

    def place(self, source: Stored) -> Path:
        return self.area.path / self.area.name(source.url, source.facts())


@pytest.fixture
def started(tmp_path) -> Iterator[Callable[..., Node]]:
    """Starts clients of one area, as many processes would one after another."""
    nodes: list[Node] = []

    def start(on_full: str = "direct", quota: int = 1000 * KIB, where: Path | None = None, **options: object) -> Node:
        nodes.append(Node(StagingArea(where or tmp_path / "area", quota), on_full, **options))
        return nodes[-1]

    yield start
    for node in nodes:
        node.transfers.close()
