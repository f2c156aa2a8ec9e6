"""How many values a condition compares with."""

from gpurules.linter import lints

HEAD = "version: 1\nname: x\n"


def items(count: int) -> str:
    return ", ".join(f"'w{number}'" for number in range(count))


def places(text: str) -> list[tuple[int, str]]:
    return [(d.line, d.message) for d in lints(text, "x.yaml") if d.code == "GPR211"]


def test_the_items_of_lists_count_where_they_are_used() -> None:
    """The list alone compares nothing; 200 and 100 items are above the budget of 256."""
    text = (
        f"{HEAD}define:\n  some: [{items(200)}]\nrules:\n"
        "  - {name: a, condition: workload_id IN some, action: pause_transfer}\n"
        f'  - {{name: b, condition: "workload_id IN some OR host IN ({items(100)})", action: pause_transfer}}\n'
    )
    assert places(text) == [(7, "the condition compares with 300 values; the limit is 256")]


def test_a_definition_above_the_budget_is_reported_once() -> None:
    text = (
        f'{HEAD}define:\n  ours: "workload_id IN ({items(300)})"\nrules:\n'
        "  - {name: a, condition: gpu_memory > 80 AND ours, action: pause_transfer}\n"
    )
    assert places(text) == [(4, "the condition compares with 300 values; the limit is 256")]


def test_comparisons_count_one_by_one() -> None:
    """A chain of two comparisons counts as two."""
    arms = " OR ".join(f"{n} < transfer_size / 1B < {n + 0.5}" for n in range(129))
    text = f'{HEAD}rules:\n  - {{name: a, condition: "{arms}", action: pause_transfer}}\n'
    assert places(text) == [(4, "the condition compares with 258 values; the limit is 256")]
