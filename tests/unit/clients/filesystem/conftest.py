"""A node whose GPU the tests heat and cool, and URLs that follow it."""

import itertools
from collections.abc import Iterator

import pytest

pytest.importorskip("fsspec")

from gpurules import GPU, Engine, Snapshot, loads
from gpurules.clients.filesystem import use
from gpurules.governor import Governor, Limits

RULES = """
version: 1
name: pressure
rules:
  - name: hold_back
    condition: gpu_temperature > 85
    action: delay_transfer
    parameters: {delay: 30s, running: pause}
  - name: look_less_far_ahead
    condition: gpu_temperature > 70
    action: reduce_prefetch
    parameters: {reduction_factor: 0.25}
"""


class Node:
    """A governor on a GPU whose temperature is set by hand; 40 degrees at first."""

    def __init__(self, rules: str = RULES) -> None:
        self._times = itertools.count(1.0)
        self.engine = Engine(loads(rules), clock=lambda: 0.0)
        self.governor = Governor(self.engine, Limits(slots=4))
        self.heat(40)

    def heat(self, temperature: float | None) -> None:
        gpu = GPU(index=0, temperature=temperature)
        self.engine.observe(Snapshot(timestamp=next(self._times), gpus=(gpu,)))
        self.governor.refresh()

    @property
    def counts(self):
        return self.governor.status().counts


@pytest.fixture
def node() -> Iterator[Node]:
    the = Node()
    use(the.governor)
    yield the
    use(None)
