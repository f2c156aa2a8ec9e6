"""A stand-in for NVML, built once with the C compiler, and driven by a file that tests edit while it is in use."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.nvml.library import Library
from gpurules.telemetry.nvml.reader import NvmlClocks, NvmlReader
from tests.integration.nvml.node import Node

SOURCE = Path(__file__).parent / "standin" / "libnvidia-ml.c"
FLAGS = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the stand-in."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in for NVML")
    built = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    soname = "-Wl,-soname,libnvidia-ml.so.1"
    subprocess.run([compiler, *FLAGS, soname, "-o", str(built), str(SOURCE)], check=True, timeout=60)
    return built


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node without any GPU yet."""
    node = Node(tmp_path / "node.txt", tmp_path / "calls.txt")
    monkeypatch.setenv("STANDIN_NVML", str(node.path))
    monkeypatch.setenv("STANDIN_NVML_CALLS", str(node.calls_path))
    return node


@dataclass
class Time:
    """A clock that stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def inline(library: Path, node: Node, time: Time) -> Iterator[Callable[..., LiveSource]]:
    """Open a source that reads the stand-in in this process, by a clock that stands still."""
    opened: list[LiveSource] = []

    def open_inline(fields: set[str] | None = None, drop_after: float = 300.0) -> LiveSource:
        reader = NvmlReader(
            Library(str(library)),
            NvmlClocks(wall=lambda: time.now + 1e9, steady=time),
            namer=lambda pid: {4242: "/usr/bin/python3"}.get(pid),
            xid_wait=0.05,
        )
        source = LiveSource("nvml", reader, fields, drop_after, clock=time)
        opened.append(source)
        return source

    yield open_inline
    for source in opened:
        source.close()
