"""``increase``, ``deriv`` and ``changes`` in an engine are what a plain reading of the language says, at every poll."""

from itertools import pairwise
from random import Random

import pytest

from gpurules.model import GPU, Snapshot
from tests.factories import engine, ruleset

SECONDS = 40.0
RULES = "".join(
    f"  - {{name: {name}, condition: '{name}(gpu_pcie_replays[40s]) {{sign}} 0.000001', action: pause_transfer}}\n"
    for name in ("increase", "deriv", "changes")
)


def plain(samples: list[tuple[float, float]], now: float) -> dict[str, float | None]:
    """Return what the functions are of *samples*, as section 7 of the language says it, and no quicker."""
    window = [(t, v) for t, v in samples if now - SECONDS < t <= now]
    steps = [(a, b) for (_, a), (_, b) in pairwise(window)]
    enough = len(window) > 1
    slope = None
    if enough:
        t0, v0 = (sum(column) / len(window) for column in zip(*window))
        slope = sum((t - t0) * (v - v0) for t, v in window) / sum((t - t0) ** 2 for t, _ in window)
    return {
        "increase": sum(b - a if b >= a else b for a, b in steps) if enough else None,
        "deriv": slope,
        "changes": sum(a != b for a, b in steps) if window else None,
    }


@pytest.mark.parametrize("seed", range(30))
def test_the_engine_agrees_with_a_plain_reading_at_every_poll(seed: int) -> None:
    """Resets, missing samples, gaps, a GPU that is lost (its window stays), and snapshots that come twice."""
    random = Random(seed)
    texts = {sign: ruleset(RULES.replace("{sign}", sign)) for sign in (">", "<=")}
    engines = {sign: engine(text) for sign, text in texts.items()}
    samples: list[tuple[float, float]] = []
    now, count = 1000.0, random.randrange(50)
    for step in range(60):
        late = step > 0 and random.random() < 0.1
        at = now if late else now + random.choice((1, 5, 5, 5, 10, 55))
        count = random.choice((0, 3)) if random.random() < 0.1 else count + random.choice((0, 0, 1, 7))
        value = None if random.random() < 0.2 else count
        gpus = () if random.random() < 0.1 else (GPU(index=0, uuid="GPU-a", pcie_replays=value),)
        if not late and gpus and value is not None:
            samples.append((at, value))
        for one in engines.values():
            one.observe(Snapshot(timestamp=at, gpus=gpus))
        if late:
            continue
        now = at
        wanted = plain(samples, now)
        for sign, one in engines.items():
            matched = {match.rule for match in one.decide().matched}
            assert matched == {
                name for name, found in wanted.items() if found is not None and (found > 1e-6) is (sign == ">")
            }, (seed, now, wanted)
