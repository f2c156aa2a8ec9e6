"""What counts as looked at."""

from gpurules.model import Snapshot
from gpurules.ruletest.coverage.coverage import Coverage
from tests.factories import gpu, ruleset, snapshot

RULES = ruleset("  - {name: a, condition: gpu_memory > 80 AND pending_transfers > 3, action: pause_transfer}\n")


def seen(*situations: tuple[Snapshot, int]) -> Coverage:
    coverage = Coverage()
    coverage.expect(RULES)
    for current, pending in situations:
        explained = RULES.evaluate(current, node={"pending_transfers": pending}).explain()
        coverage.add(explained.rule("a"))  # type: ignore[attr-defined]
    return coverage


def test_a_path_that_cannot_be_unknown_is_not_asked_for() -> None:
    known = seen((snapshot(gpu(memory=80)), 3), (snapshot(gpu(memory=81)), 4))
    assert known.measures["unknown_paths"] == 0  # of gpu_memory, which can be missing
    assert [*known.gaps()] == ["a: gpu_memory > 80 is never tested with its facts missing"]
    known.include(seen((snapshot(gpu()), 4)))
    assert known.measures == {"rule_coverage": 100, "branch_coverage": 100, "boundary": 100, "unknown_paths": 100}
    assert [*known.gaps()] == []


def test_a_limit_is_met_where_its_number_and_both_truths_were_seen() -> None:
    coverage = seen((snapshot(gpu(memory=80)), 3))
    assert coverage.measures["boundary"] == 0
    assert [part.is_hit for part in coverage.parts_of("a")] == [True, True]
