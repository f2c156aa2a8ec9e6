"""What ``--fix`` makes by itself changes no rule: the exact comparison of the old ruleset and the new one says so."""

from pathlib import Path
from typing import Any

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.rules import RulesetError, loads
from tests.conftest import GOLDEN, ROOT

RULESETS = [
    *sorted((GOLDEN / "checks").glob("*/bad.yaml")),
    *sorted((ROOT / "docs" / "gallery").glob("*.rules.yaml")),
    *sorted((ROOT / "rulesets").glob("*.yaml")),
]
NO_OP = GOLDEN / "checks" / "GPR506" / "bad.yaml"
"""Here an action goes that does nothing, which the comparison rightly shows as a change."""


def is_sound(path: Path) -> bool:
    """Return whether the ruleset at *path* loads."""
    try:
        loads(path.read_bytes(), str(path))
    except RulesetError:
        return False
    return True


LOADING = [path for path in RULESETS if path != NO_OP and is_sound(path)]


@pytest.fixture
def fixed(gpurules: Any, tmp_path: Path) -> Any:
    """Return a copy of a ruleset with all safe fixes, those of style too, made."""

    def repair(path: Path) -> Path:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        gpurules("lint", "--isolated", "--fix", "--extend-select", "GPR7", copy)
        return copy

    return repair


@pytest.mark.parametrize("path", LOADING, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_rule_changes(gpurules: Any, fixed: Any, path: Path) -> None:
    done = gpurules("diff", path, fixed(path))
    assert (done.code, done.out.count("no rule changed")) == (0, 1), done.out


def test_most_of_them_have_something_to_fix(fixed: Any) -> None:
    changed = [path for path in LOADING if fixed(path).read_bytes() != path.read_bytes()]
    assert len(changed) >= 12


def test_without_an_action_that_does_nothing_decisions_stay() -> None:
    before = NO_OP.read_text(encoding="utf-8")
    after = before.replace("      - action: delay_transfer\n        parameters: {delay: 0s}\n", "")
    for used in (50, 92, 97):
        current = Snapshot(timestamp=0.0, gpus=(GPU(index=0, memory_used=used, memory_total=100),))
        one, other = (loads(text).evaluate(current) for text in (before, after))
        assert (one.paused, one.delay, one.rules) == (other.paused, other.delay, other.rules)
