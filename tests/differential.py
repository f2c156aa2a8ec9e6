"""Random conditions with random facts: Python, Go and C find the same truth and the same GPUs.

    python -m tests.differential --count 100000

draws that many conditions, compiles them in batches, and ends with 1 where a target disagrees. The suite runs a few.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gpurules.backends import PythonBackEnd
from gpurules.backends.backend import UnsupportedError
from tests.strategies import conditions_with_facts
from tests.targets import Case, CDriver, GoDriver, drivers, evaluate

VALUES = (None, 0, 1, 80, 85.5, -3, 1e308, 2**53 + 1, float("-1e-320"))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Case]:
    """Draw a condition with facts."""
    text, found, facts = draw(conditions_with_facts(st.sampled_from(VALUES)))
    return text, Case(found.term, found.per_gpu, facts)


def drawn(count: int, number: int) -> list[tuple[str, Case]]:
    """Return *count* cases of the batch *number*: the same for the same numbers."""
    found: list[tuple[str, Case]] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(case: tuple[str, Case]) -> None:
        found.append(case)

    collect()
    return found


def disagreements(
    targets: Sequence[GoDriver], batch: Sequence[tuple[str, Case]], folder: Path, counts: Counter[str]
) -> Iterator[str]:
    """Yield a line for each case on which a target and Python disagree; *counts* says how many were compared."""
    python = PythonBackEnd()
    wanted = [python.evaluate(case.term, case.per_gpu, case.facts) for _, case in batch]
    for target in targets:
        place = folder / target.name
        place.mkdir()
        for (text, case), expected, found in zip(
            batch, wanted, evaluate(target, [case for _, case in batch], place), strict=True
        ):
            if isinstance(found, UnsupportedError):
                counts[f"{target.name} cannot say it"] += 1
                continue
            counts[f"{target.name} compared"] += 1
            if (expected.value, expected.devices) != (found.value, found.devices):
                yield f"{target.name}: {text}: {expected} but {found} on {case.facts}"


def main() -> int:
    """Compare, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given_ = parser.parse_args()
    targets = [CDriver(("-O0",)) if target.name == "c" else target for target in drivers()]
    counts: Counter[str] = Counter()
    began, wrong, done = time.monotonic(), 0, 0
    while done < given_.count:
        batch = drawn(min(given_.batch, given_.count - done), given_.seed * 1_000_000 + done)
        with tempfile.TemporaryDirectory() as folder:
            for line in disagreements(targets, batch, Path(folder), counts):
                wrong += 1
                print(line[:3000], flush=True)
        done += len(batch)
        print(f"{done} conditions, {wrong} disagreements, {time.monotonic() - began:.0f} s, {dict(counts)}", flush=True)
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    sys.exit(main())
