"""Two rulesets over one recording."""

from gpurules.diff.history import compare_over
from gpurules.model import Snapshot, Transfer
from tests.factories import NEW_YEAR, one_gpu, ruleset

OLD = ruleset("  - {name: full, condition: gpu_memory > 80, action: pause_transfer}\n")
NEW = ruleset("  - {name: full, condition: gpu_memory > 70, action: pause_transfer}\n")
TWO = ruleset(
    "  - {name: full, condition: gpu_memory > 80, action: pause_transfer}\n"
    "  - {name: fuller, condition: gpu_memory > 90, action: pause_transfer}\n"
)
LARGE = ruleset("  - {name: large, condition: transfer_size > 5, action: pause_transfer}\n")


def recording(*memory: float) -> list[Snapshot]:
    return [one_gpu(at=5.0 * n, memory=value) for n, value in enumerate(memory)]


def test_decisions_that_ask_for_something_else_are_counted() -> None:
    found = compare_over((OLD, NEW), recording(60, 75, 85, 75), ())
    assert (found.snapshots, found.decisions, found.changed, found.rematched) == (4, 4, 2, 0)
    assert [found.matches[side]["full"] for side in (0, 1)] == [1, 3]
    first = found.examples[0]
    assert (first.timestamp, first.transfer, first.old, first.new) == (NEW_YEAR + 5, None, (), ("full",))


def test_the_same_that_comes_from_other_rules_is_counted_apart() -> None:
    found = compare_over((OLD, TWO), recording(60, 95), ())
    assert (found.changed, found.rematched) == (0, 1)


def test_the_same_rules_change_nothing() -> None:
    found = compare_over((OLD, OLD), recording(60, 95), ())
    assert (found.changed, found.rematched, found.examples) == (0, 0, [])


def test_each_transfer_is_decided_on_when_it_came_into_being() -> None:
    small, large = Transfer(id="s", size=1, created=1), Transfer(id="l", size=10, created=NEW_YEAR + 7)
    found = compare_over((OLD, LARGE), recording(60, 60, 85), [(large, None), (small.__class__(id="x", size=9), None)])
    assert found.decisions == 5
    assert {e.transfer for e in found.examples} == {"l", "x", None}
    late = compare_over((OLD, LARGE), recording(60), [(small, None)])  # 1 s after the only snapshot
    assert late.decisions == 2


def test_it_is_data_too() -> None:
    data = compare_over((OLD, NEW), recording(75), ()).to_dict()
    assert data["matches"] == {"full": {"old": 0, "new": 1}}
    assert data["examples"] == [
        {"timestamp": NEW_YEAR, "transfer": None, "matched": {"old": [], "new": ["full"]}},
    ]
