"""Compares the kernel with the engine on random histories: ``python -m tests.history_differential 20000``.

Every history is cut into frames at random, and every fourth goes through a store first. The first that differs ends it.
"""

import random
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from gpurules.history.store.format.frame import StoredFrame
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from tests.history_cases import Observed, compared, differences, history_of, ruleset_of


def through_a_store(observed: list[Observed], rng: random.Random) -> list[StoredFrame]:
    """Return the frames of a history that was written and read again."""
    with TemporaryDirectory() as folder:
        storage = Storage(Path(folder))
        with StoreWriter(storage, "n", rng.choice([5.0, 60.0, 1e9])) as writer:
            for snapshot, node in observed:
                writer.add(snapshot, node)
        return list(StoreReader(storage).frames("n")) if writer.written else []


def main(first: int, count: int) -> int:
    """Compare *count* histories, the first by the seed *first*, and return the exit code."""
    refused: Counter[str] = Counter()
    for seed in range(first, first + count):
        rng = random.Random(seed)
        ruleset, observed, batch = ruleset_of(rng), history_of(rng), rng.choice([1, 2, 5, 13, 100])
        if seed % 4:
            found = differences(ruleset, observed, batch)
        else:
            found = compared(ruleset, through_a_store(observed, rng), refused)
        if found:
            sys.stderr.write(f"seed {seed}: {found}\n")
            return 1
    refusals = f"; the kernel left {sum(refused.values())} rules and signals to the engine" if refused else ""
    sys.stdout.write(f"{count} random histories from seed {first}: the kernel did what the engine does{refusals}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[2]) if len(sys.argv) > 2 else 0, int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
