"""What holds for every ruleset that ships."""

import itertools
import re
from pathlib import Path

import pytest

from gpurules.linter import lint, lints
from gpurules.rules import load, loads, shipped_names
from tests.factories import dataset, gpu, snapshot

NAMES = ("coordinator", "default", "health", "inference", "multi-tenant", "thermal", "training")


def test_these_ship() -> None:
    assert shipped_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_has_no_finding(name: str) -> None:
    assert lint(f"gpurules:{name}") == []


@pytest.mark.parametrize("name", NAMES)
def test_it_and_all_its_parts_say_what_they_are_for(name: str) -> None:
    ruleset = load(f"gpurules:{name}")
    assert ruleset.name == name
    assert ruleset.description
    assert all(rule.description for rule in ruleset.rules)


@pytest.mark.parametrize("name", NAMES)
def test_its_page_names_every_signal(name: str, root: Path) -> None:
    page = (root / "docs" / "rulesets.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {name}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    own = (root / "rulesets" / f"{name}.yaml").read_text(encoding="utf-8")
    signals = re.findall(r"^  (\w+):$", own.partition("signals:")[2].partition("\nrules:")[0], re.MULTILINE)
    assert [signal for signal in signals if signal not in section and signal != "tenant_gpu_full"] == []


@pytest.mark.parametrize("names", [*itertools.combinations(NAMES, 2), NAMES], ids="+".join)
def test_they_can_be_combined(names: tuple[str, ...]) -> None:
    text = f"version: 1\nname: all\nextends: [{', '.join('gpurules:' + name for name in names)}]\n"
    # one may cover a rule of another: both are whole by themselves
    assert [found for found in lints(text) if found.code != "GPR303"] == []
    ruleset = loads(text)
    current = snapshot(gpu(0, memory=97, temperature=88))
    together, alone = ruleset.evaluate(current, dataset()), [load(f"gpurules:{n}") for n in names]
    expected = {rule for one in alone for rule in one.evaluate(current, dataset()).rules}
    if not {"default", "coordinator"} <= set(names):
        assert set(together.rules) == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_orders_something_else_than_nothing(name: str) -> None:
    for rule in load(f"gpurules:{name}").rules:
        assert rule.actions and rule.enabled and not rule.is_shadow
