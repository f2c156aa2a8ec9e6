"""A node whose GPU the tests heat and cool, and URLs that follow it."""

from collections.abc import Iterator

import pytest

pytest.importorskip("fsspec")

from gpurules.clients.filesystem import use
from tests.heated_node import HeatedNode

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


class Node(HeatedNode):
    """A node with four slots."""

    def __init__(self, rules: str = RULES) -> None:
        super().__init__(rules, slots=4)

    @property
    def counts(self):
        return self.status.counts


@pytest.fixture
def node() -> Iterator[Node]:
    the = Node()
    use(the.governor)
    yield the
    use(None)
