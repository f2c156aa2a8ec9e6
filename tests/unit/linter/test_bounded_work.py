"""Large conditions are looked at in bounded work: what is plain is found all the same, and the rest is reported."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy, lints

HEAD = "version: 1\nname: n\n"


def linted(condition: str, undecided: list[str] | None = None, head: str = "") -> list[Diagnostic]:
    rule = f'rules:\n  - {{name: r, condition: "{condition}", action: pause_transfer}}\n'
    return lints(f"{HEAD}{head}{rule}", policy=Policy(unanalyzed=undecided))


def many(word: str, part: str, count: int) -> str:
    return f" {word} ".join(part.format(n) for n in range(count))


@pytest.mark.parametrize("count", [3, 40, 400])
def test_every_part_of_many_that_another_says_is_found_with_that_one(count: int) -> None:
    undecided: list[str] = []
    found = [d for d in linted(many("OR", "transfer_size > {0}MiB", count), undecided) if d.code == "GPR203"]
    assert len(found) == count - 1
    assert all("`transfer_size > 0MiB`" in d.message and d.safe for d in found)
    assert undecided == []


@pytest.mark.parametrize("count", [3, 40, 400])
def test_of_many_that_must_hold_the_strictest_says_all(count: int) -> None:
    found = [d for d in linted(many("AND", "gpu_power > {0}W", count)) if d.code == "GPR203"]
    assert len(found) == count - 1
    assert all(f"`gpu_power > {count - 1}W`" in d.message for d in found)


@pytest.mark.parametrize(
    ("condition", "needless"),
    [
        ("gpu_power > 9W OR gpu_power > 5W OR gpu_temperature > 5C", ["gpu_power > 9W"]),
        ("gpu_power > 5W OR gpu_power > 5W", ["gpu_power > 5W"]),
        ("gpu_power < 3W OR gpu_power > 5W OR gpu_power BETWEEN 2W AND 6W", []),
        ("gpu_power < 3W OR gpu_power > 5W OR gpu_power BETWEEN 1W AND 2W", ["gpu_power BETWEEN 1W AND 2W"]),
        ("path == '/a' OR path IN ('/a', '/b') OR path == '/c'", ["path == '/a'"]),
        ("path != '/a' AND path NOT IN ('/a', '/b')", ["path != '/a'"]),
        ("gpu_power < 9W OR gpu_power > 5W", []),
        ("gpu_power > 5W AND gpu_throttled AND gpu_power > 7W", ["gpu_power > 5W"]),
        ("any(gpu_power > 9W) OR any(gpu_power > 5W)", ["any(gpu_power > 9W)"]),
        ("NOT (gpu_power > 9W OR gpu_power > 5W)", ["gpu_power > 9W"]),
    ],
)
def test_what_the_others_say_is_found_and_nothing_else(condition: str, needless: list[str]) -> None:
    found = [d for d in linted(condition) if d.code == "GPR203"]
    text = f'  - {{name: r, condition: "{condition}", action: pause_transfer}}'
    assert [text[d.column - 1 : d.end_column - 1] for d in found] == needless


def test_a_part_that_only_two_others_together_say_names_both() -> None:
    condition = "gpu_power < 5W OR gpu_power BETWEEN 4W AND 9W OR gpu_throttled OR gpu_power BETWEEN 3W AND 8W"
    (found,) = [d for d in linted(condition) if d.code == "GPR203"]
    assert "`gpu_power < 5W` and `gpu_power BETWEEN 4W AND 9W`" in found.message


def test_an_arm_that_can_never_be_true_is_found_among_many() -> None:
    condition = many("OR", "transfer_size > {0}MiB", 50) + " OR (transfer_size > 9GiB AND transfer_size < 1GiB)"
    assert "GPR205" in [d.code for d in linted(condition)]


@pytest.mark.parametrize("count", [2, 200])
def test_a_fix_is_safe_where_the_part_that_it_changes_stays_the_same(count: int) -> None:
    found = [
        d for d in linted(many("OR", "transfer_size > 1{0}0000000 AND gpu_power > {0}W", count)) if d.code == "GPR105"
    ]
    assert len(found) == count and all(d.safe for d in found)


def test_a_fix_that_changes_a_part_is_not_safe_however_many_others_there_are() -> None:
    found = [d for d in linted(many("OR", "file_type == 'Model' AND gpu_power > {0}W", 60)) if d.code == "GPR108"]
    assert len(found) == 60 and not any(d.safe for d in found)


def test_a_search_that_ends_at_its_bound_is_reported() -> None:
    undecided: list[str] = []
    linted(many("OR", "count(gpu_power > {0}W) > 1", 300), undecided)
    assert undecided == ["<text>: `r`: the step budget of the analysis was exhausted"]


@pytest.mark.parametrize("subject", ["gpu_xid", "abs(gpu_xid)"])
@pytest.mark.parametrize("count", [5, 3000])
def test_a_long_list_is_analyzed_whatever_its_length(subject: str, count: int) -> None:
    listed = f"define:\n  ids: [{', '.join(map(str, range(count)))}]\n"
    undecided: list[str] = []
    codes = [d.code for d in linted(f"{subject} IN ids AND gpu_xid > {count}", undecided, listed)]
    assert "GPR201" in codes, codes
    assert undecided == []


def test_each_of_many_unused_inputs_can_be_removed_alone() -> None:
    names = [f"i{n}" for n in range(300)]
    head = "inputs:\n" + "".join(f"  {name}: {{type: number, default: 1}}\n" for name in names)
    found = [d for d in linted("gpu_memory > 80", head=head) if d.code == "GPR111"]
    assert [d.edits[0].location.line for d in found] == [4 + n for n in range(300)]
    assert all(d.edits[0].replacement == "" for d in found)
