"""One table says what directives can set; adding a directive is its action and a row of it."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from gpurules import Snapshot, Transfer, loads
from gpurules.actions import ACTIONS, is_directive
from gpurules.actions import targets as table
from gpurules.actions.decision import Decision
from gpurules.actions.directives.limit_concurrency import LimitConcurrency
from gpurules.actions.targets import TARGETS, Target
from gpurules.cli.explain.explanations import describe_decision
from gpurules.cli.run.playback import is_touched
from gpurules.clients.client import GOVERNED, Capability
from gpurules.governor.requirements import requirements_of

PACKAGE = Path(inspect.getfile(Decision)).parents[1]


def test_every_directive_that_ships_has_a_row_and_every_row_a_directive() -> None:
    directives = [action for action in ACTIONS if is_directive(action)]
    assert {action.target: action.neutral for action in directives} == dict(table.NEUTRAL)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_a_row_is_a_value_of_decisions_which_is_neutral_without_claims(target: Target) -> None:
    decision = loads("version: 1\nname: empty\nrules: []\n").evaluate(Snapshot(), Transfer(path="a"))
    assert decision.value(target.name) == decision.to_dict()[target.name] == target.neutral
    assert getattr(decision, target.name, target.neutral) == target.neutral, "its property, if it has one"
    assert target.read(object()) == target.neutral, "what a plug-in returns by mistake is neutral"


def test_clients_name_only_rows_and_every_row_that_the_governor_carries_out() -> None:
    assert {capability.value for capability in Capability} <= set(TARGETS)
    assert {capability.value for capability in GOVERNED} == {t.name for t in TARGETS.values() if t.governed}


TRIAL = Target(
    name="max_open_files",
    label="open files",
    neutral=None,
    read=lambda value: value if isinstance(value, int) else None,
    describe=lambda value: f"at most {value} open files",
    governed=False,
)


class LimitOpenFiles(LimitConcurrency):
    """The trial: a directive with a target of its own."""

    name = "limit_open_files"
    target = TRIAL.name
    neutral = TRIAL.neutral


@pytest.fixture
def a_row_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add a row to the table, wherever it is read."""
    longer = MappingProxyType({**TARGETS, TRIAL.name: TRIAL})
    neutral = MappingProxyType({**table.NEUTRAL, TRIAL.name: TRIAL.neutral})
    for place in ("actions.decision", "cli.explain.explanations", "cli.run.playback", "governor.requirements"):
        monkeypatch.setattr(f"gpurules.{place}.TARGETS", longer)
    monkeypatch.setattr("gpurules.actions.decision.NEUTRAL", neutral)
    yield


@pytest.mark.usefixtures("a_row_more")
def test_a_directive_with_a_target_of_its_own_is_an_action_and_a_row() -> None:
    text = "version: 1\nname: x\nrules:\n  - {name: few, condition: transfer_size > 1, action: limit_open_files, "
    ruleset = loads(text + "parameters: {max_concurrency: 3}}\n", actions=ACTIONS.with_members([LimitOpenFiles()]))
    transfer = Transfer(path="a", size=2)
    decision = ruleset.evaluate(Snapshot(), transfer)
    assert decision.to_dict()["max_open_files"] == 3 and "max_open_files=3" in repr(decision)
    assert describe_decision(decision) == ["at most 3 open files"] and is_touched(decision)
    assert requirements_of(decision, transfer).targets == {"max_open_files"}, "a client is asked, and it counts"
    other = ruleset.evaluate(Snapshot(), Transfer(path="a", size=1))
    assert other.to_dict()["max_open_files"] is None and requirements_of(other, transfer).targets == frozenset()


def test_no_code_asks_for_the_class_or_name_of_a_directive() -> None:
    """What a directive is like it says itself; a plug-in may be like it."""
    names = {action.name for action in ACTIONS if is_directive(action)}
    classes = {type(action).__name__ for action in ACTIONS if is_directive(action)}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            asked = {side.id for side in sides if isinstance(side, ast.Name)} & classes
            asked |= {side.value for side in sides if isinstance(side, ast.Constant) and side.value in names}
            found += [f"{path.relative_to(PACKAGE)}:{node.lineno}: {one}" for one in asked]
    assert found == []
