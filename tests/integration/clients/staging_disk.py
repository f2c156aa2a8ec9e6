"""Reads by way of an area on a disk of its own, to which something happens: run by the tests in a mount namespace."""

import json
import subprocess
import sys
from pathlib import Path

from gpurules.clients import PartOptions, StagingArea
from gpurules.clients.transfers.object_transfers import ObjectTransfers
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.model import GPU, Snapshot, Transfer
from tests.integration.clients.crash_scenarios import MemoryObject
from tests.integration.clients.staging_scenarios import RULES

SIZE = 600_000


class Object(MemoryObject):
    """One whose third read has something happen first."""

    def __init__(self, number: int, happens=lambda: None) -> None:
        super().__init__(bytes([number]) * SIZE, f'"{number}"')
        self.url = f"memory://bucket/{number}"
        self._happens = happens

    def read(self, start, size, etag):
        if len(self.reads) == 2:
            self._happens()
        return super().read(start, size, etag)


def mount(disk: Path, *options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("mode=700", *options)), "none", disk], check=True)


def remount(disk: Path, *options: str) -> None:
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), disk], check=True)


def unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> None:
    with (disk / "other").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass


def fill_inodes(disk: Path) -> None:
    number = 0
    try:
        while True:
            (disk / f"other-{number}").touch()
            number += 1
    except OSError:
        pass


HAPPENS = {
    "read only": lambda disk: remount(disk, "ro"),
    "full": fill,
    "out of inodes": fill_inodes,
    "unmounted": unmount,
}


def main(folder: str, what: str, when: str) -> None:
    """Have *what* happen before an object is staged, while it is, or after; then print what was counted."""
    here, disk = Path(folder), Path(folder) / "disk"
    disk.mkdir()
    mount(disk, "size=4m", "nr_inodes=40")
    engine = Engine(RULES, clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0),)))
    governor = Governor(engine)
    transfers = ObjectTransfers(
        "test", governor, PartOptions(piece_size=65536, parts_ahead=1), StagingArea(disk / "area", 3_000_000)
    )
    happened = []

    def happen() -> None:
        if not happened:
            happened.append(HAPPENS[what](disk))

    before, source = Object(1), Object(2, happen if when == "while" else lambda: None)
    transfers.download(before, here / "before", Transfer(path=before.url))
    if when == "before":
        happen()
    for one in (source, before):
        transfers.download(one, here / "target", Transfer(path=one.url))
        assert (here / "target").read_bytes() == one.data
        with transfers.open(one, Transfer(path=one.url)) as stream:
            first = stream.read(1000)
            if when == "reading":
                happen()
            assert first + stream.read() == one.data
    transfers.close()
    print(json.dumps(dict(governor.status().faults)))
    StagingArea(disk / "area", 1)  # stops no process that starts


if __name__ == "__main__":
    main(*sys.argv[1:])
