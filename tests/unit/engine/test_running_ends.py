"""A signal that its ``keep_for`` alone holds on says so, and until when."""

import pytest

from gpurules.actions.decision import Decision
from gpurules.engine import Engine
from gpurules.model import Transfer
from gpurules.rules import loads
from tests.factories import NEW_YEAR, gpu, snapshot

RULES = """
version: 1
name: x
settings: {stale_after: 100s}
signals:
  full: {condition: gpu_memory > 85, until: gpu_memory < 75, keep_for: 1m}
  training: {condition: active_training, keep_for: 2m}
rules:
  - {name: named, condition: full AND transfer_size > 1GiB, action: pause_transfer}
  - {name: node, condition: training, action: pause_transfer}
  - {name: own, condition: gpu_temperature > 85, keep_for: 30s, action: pause_transfer}
"""


class Node:
    """An engine over a node of two GPUs, of which only the first changes."""

    def __init__(self, rules: str = RULES) -> None:
        self.engine = Engine(loads(rules), clock=lambda: self.now)
        self.now = NEW_YEAR

    def at(self, seconds: float, memory: float | None, temperature: float, training: bool = False) -> Decision:
        self.now = NEW_YEAR + seconds
        gpus = gpu(0, memory=memory, temperature=temperature), gpu(1, memory=10, temperature=20)
        self.engine.observe(snapshot(*gpus, at=seconds), node={"active_training": training})
        return self.engine.decide(Transfer(size=2 << 30))


def reasons(decision: Decision) -> dict[str, str]:
    return {one.rule: one.reason for one in decision.explain().rules}


@pytest.fixture
def node() -> Node:
    made = Node()
    made.at(0, 90, 90, True)
    return made


def test_a_running_keep_for_says_until_when_it_holds_the_signal_on(node: Node) -> None:
    node.at(10, 70, 80)
    reported = reasons(node.at(20, 70, 80))
    assert reported["named"].startswith(
        "full is on, held by keep_for until 00:01:10, for another 50 s: gpu_memory 70 %"
    )
    assert reported["node"] == (
        "training is on, held by keep_for until 00:02:10, for another 1 m 50 s: active_training is false"
    )
    assert reported["own"].startswith("its signal is on, held by keep_for until 00:00:40, for another 20 s: ")


def test_it_goes_on_while_the_condition_is_unknown(node: Node) -> None:
    node.at(10, 70, 80)
    reported = reasons(node.at(20, None, 80))
    assert reported["named"].startswith(
        "full is on, held by keep_for until 00:01:10, for another 50 s: gpu_memory is miss"
    )


def test_a_signal_between_its_limits_is_held_without_an_end(node: Node) -> None:
    assert reasons(node.at(10, 80, 90))["named"].startswith("full is on, held: gpu_memory 80 % is not > 85")


def test_a_condition_that_holds_again_needs_no_keep_for(node: Node) -> None:
    node.at(10, 70, 80)
    assert "keep_for" not in reasons(node.at(20, 90, 90, True))["named"]


def test_without_a_change_time_ends_the_rule(node: Node) -> None:
    node.at(10, 70, 80)
    nearest = node.at(20, 70, 80).explain().rule("own").nearest
    assert nearest is not None
    assert (nearest.changes, nearest.matches, nearest.held) == ((), False, 20)
    assert str(nearest) == "the facts as they are, held for 20 s, would not match"
    assert node.at(39, 70, 80).rules == ("named", "node", "own")
    assert node.at(40, 70, 80).rules == ("named", "node")


def test_an_explanation_of_an_earlier_snapshot_shows_no_end_of_a_later_one(node: Node) -> None:
    before = node.at(10, 70, 80)
    node.at(20, 70, 80)
    assert reasons(before)["own"].startswith("its signal is on, held: ")


def test_signals_that_are_looked_up_together_report_their_ends_too() -> None:
    more = "".join(f"  s{n}: {{condition: gpu_memory > {n}, keep_for: {n}s}}\n" for n in range(20, 80))
    node = Node(RULES.replace("signals:\n", f"signals:\n{more}").replace("full AND", "s50 AND"))
    node.at(0, 90, 90, True)
    node.at(10, 40, 80)
    assert reasons(node.at(20, 40, 80))["named"].startswith(
        "s50 is on, held by keep_for until 00:01:00, for another 40 s"
    )
