"""What is killed at every step of a staging area: staging, serving, making room, sweeping, giving up."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from random import Random

from gpurules.clients import PartOptions, StagingArea
from gpurules.clients.staging.folder import Folder
from gpurules.clients.transfers.object_transfers import ObjectTransfers
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import loads
from tests.integration.clients.crash_scenarios import MemoryObject
from tests.integration.clients.crashing import Scenario

PIECE, SIZE = 1000, 2500
QUOTA = 2 * SIZE + 100
RULES = loads("""
version: 1
name: stage
rules:
  - {name: all, condition: "true", action: stage_transfer, parameters: {staging_threshold: 0}}
""")
DATA = [Random(number).randbytes(SIZE) for number in range(3)]


class Object(MemoryObject):
    """One of three objects."""

    def __init__(self, number: int, fails_at: int = -1) -> None:
        super().__init__(DATA[number], f'"{number}"', fails_at)
        self.url = f"memory://bucket/{number}"


def _area(folder: Path) -> StagingArea:
    return StagingArea(folder / "area", QUOTA)


def _got(folder: Path, number: int, area: StagingArea | None = None, fails_at: int = -1) -> dict[str, int]:
    """Download an object by way of the area, as a client does; return the faults that were counted."""
    engine = Engine(RULES, clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0),)))
    governor = Governor(engine)
    options = PartOptions(piece_size=PIECE, parts_ahead=1, attempts=1)
    transfers = ObjectTransfers("test", governor, options, area or _area(folder))
    source = Object(number, fails_at)
    try:
        transfers.download(source, folder / f"f{number}", Transfer(path=source.url))
    finally:
        transfers.close()
    return dict(governor.status().faults)


def _nothing(folder: Path) -> None:
    pass


def _one(folder: Path) -> None:
    _got(folder, 0)
    (folder / "f0").unlink()


def _full(folder: Path) -> None:
    for number in (1, 2):
        _got(folder, number)


def _damaged(folder: Path) -> None:
    _one(folder)
    copy = next(path for path in (folder / "area").iterdir() if len(path.name) == 64)
    data = bytearray(copy.read_bytes())
    data[1234] ^= 1
    copy.write_bytes(data)


def _cut(folder: Path) -> None:
    with suppress(Exception):
        _got(folder, 0, fails_at=3)


def _left_over(folder: Path) -> None:
    """One whole copy, and what killed processes may have left of others."""
    _one(folder)
    names = [f"{number:x}" * 64 for number in range(1, 6)]
    left = (f".{names[0]}.gpurules-part", f".{names[0]}.gpurules-journal", f".{names[1]}.gpurules-journal",
            f"{names[2]}.lock", f"{names[3]}.seal", names[4], f"{names[4]}.lock")  # fmt: skip
    for name in left:
        (folder / "area" / name).write_bytes(b"left over")


def _stage(folder: Path) -> None:
    _got(folder, 0)


def _sweep(folder: Path) -> None:
    _area(folder).room.sweep(older_than_seconds=-1)


def _give_up(folder: Path) -> None:
    """Stage on a disk that fills on the way."""
    pwrite, calls = os.pwrite, []

    def full(file: int, data: bytes, place: int) -> int:
        calls.append(place)
        if "/area/" in os.readlink(f"/proc/self/fd/{file}") and len(calls) > 3:  # noqa: PTH115
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(file, data, place)

    os.pwrite = full
    try:
        _stage(folder)
    finally:
        os.pwrite = pwrite


def _is_sound(folder: Path) -> None:
    """A file is right or not there; the next process serves right bytes, and leaves no more than whole copies."""
    for number in range(3):
        target = folder / f"f{number}"
        assert not target.exists() or target.read_bytes() == DATA[number], f"{target} is wrong"
    area = _area(folder)
    for number in (0, 0, 1, 2, 0):
        _got(folder, number, area)
        assert (folder / f"f{number}").read_bytes() == DATA[number], "the next process served wrong bytes"
    assert area.counts.hits >= 1, "what is staged is not used"
    assert area.used <= QUOTA
    area.room.sweep(older_than_seconds=-1)
    names = {path.name for path in (folder / "area").iterdir()} - {"area.lock"}
    copies = {name for name in names if len(name) == 64}
    assert names == copies | {f"{name}.seal" for name in copies} | {f"{name}.lock" for name in copies}, sorted(names)
    assert area.used == SIZE * len(copies)
    assert {path.name for path in folder.iterdir()} == {"area", "f0", "f1", "f2"}, sorted(folder.iterdir())
    with Folder.opened_at(area.path) as opened:
        assert all(opened.stat(name) for name in names)


STAGE = Scenario(_nothing, _stage, _is_sound)
SERVE = Scenario(_one, _stage, _is_sound)
MAKE_ROOM = Scenario(_full, _stage, _is_sound)
REPLACE = Scenario(_damaged, _stage, _is_sound)
RESUME = Scenario(_cut, _stage, _is_sound)
SWEEP = Scenario(_left_over, _sweep, _is_sound)
GIVE_UP = Scenario(_nothing, _give_up, _is_sound)
