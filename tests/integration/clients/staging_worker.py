"""A process that reads objects by way of an area that it shares with others, and checks what it gets: for the tests."""

import json
import sys
import time
from pathlib import Path
from random import Random

from gpurules.clients import PartOptions, StagingArea
from gpurules.clients.transfers.object_transfers import ObjectTransfers
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.model import GPU, Snapshot, Transfer
from tests.integration.clients.crash_scenarios import MemoryObject
from tests.integration.clients.staging_scenarios import RULES

SIZE, OBJECTS = 20_011, 6
QUOTA = 3 * SIZE


class Slow(MemoryObject):
    """An object whose reads take a while, so that processes meet in the middle of them."""

    def __init__(self, number: int, random: Random) -> None:
        super().__init__(Random(number).randbytes(SIZE), f'"{number}"')
        self.url = f"memory://bucket/{number}"
        self._random = random

    def read(self, start, size, etag):
        time.sleep(self._random.random() * 0.004)  # processes share no event; each goes its own pace
        return super().read(start, size, etag)


def main(area: str, folder: str, seed: str, rounds: str) -> None:
    """Read *rounds* objects, each opened or downloaded, and print what was counted."""
    random = Random(int(seed))
    engine = Engine(RULES, clock=lambda: 0.0)
    engine.observe(Snapshot(timestamp=0.0, gpus=(GPU(index=0),)))
    governor = Governor(engine)
    transfers = ObjectTransfers("test", governor, PartOptions(piece_size=4096, parts_ahead=2), StagingArea(area, QUOTA))
    for number in range(int(rounds)):
        source = Slow(random.randrange(OBJECTS), random)
        reported = Transfer(path=source.url)
        if random.random() < 0.5:
            target = Path(folder) / f"target-{seed}-{number}"
            transfers.download(source, target, reported)
            found = target.read_bytes()
            target.unlink()
        else:
            with transfers.open(source, reported) as stream:
                found = stream.read()
        assert found == source.data, f"{source.url} is wrong"
    transfers.close()
    print(json.dumps(dict(governor.status().faults)))


if __name__ == "__main__":
    main(*sys.argv[1:])
