"""Which mutants a ruleset has, and which of them tests notice."""

from pathlib import Path

import pytest

from gpurules.diagnostics import Location
from gpurules.language import parse
from gpurules.ruletest import FileResult, MutationReport, combine_reports, count_mutants, fails, run_file, run_mutants
from gpurules.ruletest.mutation.mutants import Mutant, Mutation, in_condition, nudged_by_one

RULES = """\
version: 1
name: x
inputs:
  limit: {type: number, unit: C, default: 87C}
rules:
  - name: hot
    condition: |
      gpu_temperature > limit   # too hot
      AND file_type == 'model'
    action: delay_transfer
    parameters: {delay: 30s}
    priority: 5
  - {name: full, condition: gpu_memory >= 80, action: pause_transfer, for: 30s}
  - {name: off, condition: gpu_memory > 10, action: pause_transfer, enabled: false}
"""


def changes(condition: str) -> list[tuple[str, str]]:
    """Return every change of a condition as kind and whole text."""
    tree = parse(condition).tree
    assert tree is not None
    return [
        (mutation.value, condition[: span.start] + after + condition[span.end :])
        for mutation, span, after in in_condition(tree)
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            "gpu_memory > 80",
            [("operator", "gpu_memory >= 80"), ("threshold", "gpu_memory > 81"), ("threshold", "gpu_memory > 79")],
        ),
        ("file_type == 'model'", [("operator", "file_type != 'model'")]),
        ("path CONTAINS 'x'", [("operator", "path NOT CONTAINS 'x'")]),
        ("gpu_power IS MISSING", [("operator", "gpu_power IS NOT MISSING")]),
        ("active_training AND active_inference", [("connective", "active_training OR active_inference")]),
        ("NOT active_training", [("connective", "active_training")]),
        ("any(gpu_throttled)", [("connective", "all(gpu_throttled)")]),
        ("rate(gpu_energy[1m]) > 3 OR active_training", [
            ("connective", "rate(gpu_energy[1m]) > 3 AND active_training"),
            ("operator", "rate(gpu_energy[1m]) >= 3 OR active_training"),
            ("threshold", "rate(gpu_energy[1m]) > 4 OR active_training"),
            ("threshold", "rate(gpu_energy[1m]) > 2 OR active_training"),
        ]),
        ("70 <= gpu_memory < 90", [
            ("operator", "70 < gpu_memory < 90"),
            ("operator", "70 <= gpu_memory <= 90"),
            ("threshold", "71 <= gpu_memory < 90"),
            ("threshold", "69 <= gpu_memory < 90"),
            ("threshold", "70 <= gpu_memory < 91"),
            ("threshold", "70 <= gpu_memory < 89"),
        ]),
    ],
)  # fmt: skip
def test_a_condition_is_changed_one_thing_at_a_time(condition: str, expected: list[tuple[str, str]]) -> None:
    assert changes(condition) == expected


def test_an_or_that_becomes_an_and_keeps_its_inner_or_apart() -> None:
    assert ("connective", "active_training AND (gpu_throttled OR active_inference)") in changes(
        "active_training OR (gpu_throttled OR active_inference)"
    )


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("100MB", ["101MB", "99MB"]),
        ("0", ["1"]),
        ("1_000", ["1001", "999"]),
        ("1h30m", ["2h30m", "0h30m"]),
        ("-5", ["-4", "-6"]),
        ("soon", []),
    ],
)
def test_a_number_is_nudged_in_its_last_place(spelling: str, expected: list[str]) -> None:
    assert list(nudged_by_one(spelling)) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    return tmp_path


def missed(
    folder: Path, cases: str, rulesets: str = "x.rules.yaml"
) -> tuple[MutationReport, set[tuple[str, str, str]]]:
    """Return what tests with *cases* notice, and each change that they do not."""
    path = folder / "x.test.yaml"
    path.write_text(f"kind: gpurules/test\nversion: 1\nrulesets: [{rulesets}]\ncases:\n{cases}")
    assert run_file(str(path)).is_good
    found = run_mutants(str(path), fails)
    return found, {(m.mutation.value, m.before, m.after) for m in found.missed}


GIVEN = "    given: {snapshot: {gpus: [{temperature: %s}]}, transfer: {file_type: %s}}\n"


def test_a_surviving_mutant_is_reported_with_its_place(folder: Path) -> None:
    cases = "  - name: hot\n" + GIVEN % (90, "model") + "    expect: [{rule: hot, outcome: match}]\n"
    found, left = missed(folder, cases)
    assert ("threshold", "87C", "88C") in left
    assert ("connective", "gpu_temperature > limit   # too hot\nAND file_type == 'model'",
            "gpu_temperature > limit OR file_type == 'model'") in left  # fmt: skip
    assert ("operator", "file_type == 'model'", "file_type != 'model'") not in left
    assert ("parameter", "30s", "31s") in left
    assert ("timer", "30s", "60s") in left
    assert ("priority", "5", "-1") in left
    place = next(m.location for m in found.missed if m.before == "gpu_memory >= 80")
    assert (place.line, place.column) == (13, 29)


def test_rules_that_are_disabled_are_left_alone(folder: Path) -> None:
    cases = "  - name: hot\n" + GIVEN % (90, "model") + "    expect: [{rule: hot, outcome: match}]\n"
    found, _ = missed(folder, cases)
    assert {m.rule for m in found.missed} == {"hot", "full", None}


def test_tests_at_and_beside_a_threshold_notice_all_changes_of_it(folder: Path) -> None:
    (folder / "x.rules.yaml").write_text(
        "version: 1\nname: x\nrules:\n  - {name: full, condition: gpu_memory > 80, action: pause_transfer}\n"
    )
    table = "  - name: t\n    rule: full\n    table:\n      columns: [gpu[0].memory, outcome]\n      rows: [%s]\n"
    found, left = missed(folder, table % "[80, no-match], [80.1, match]")
    assert (found.score, left) == (100.0, set())
    found, left = missed(folder, table % "[79.5, no-match], [90, match]")
    assert left == {("operator", "gpu_memory > 80", "gpu_memory >= 80"), ("threshold", "80", "81")}
    assert found.noticed == 1


def test_of_several_rulesets_each_is_changed_and_of_bases_none(folder: Path) -> None:
    rule = "version: 1\nname: {0}\nextends: [{1}]\nrules:\n  - {{name: {0}, condition: {2}, action: pause_transfer}}\n"
    (folder / "base.yaml").write_text(rule.format("base", "", "gpu_memory > 1"))
    (folder / "a.yaml").write_text(rule.format("a", "base.yaml", "gpu_memory > 2"))
    (folder / "b.yaml").write_text(rule.format("b", "", "gpu_memory > 3"))
    cases = "  - {name: n, expect: [{rule: a, outcome: no-match}]}\n"
    _, left = missed(folder, cases, "a.yaml, b.yaml")
    assert {before for kind, before, _ in left if kind == "threshold"} == {"2", "3"}


def test_shares_of_the_mutants_are_all_of_them(folder: Path) -> None:
    cases = "  - name: hot\n" + GIVEN % (90, "model") + "    expect: [{rule: hot, outcome: match}]\n"
    whole, _ = missed(folder, cases)
    together = MutationReport()
    for k in range(3):
        together.add(run_mutants(str(folder / "x.test.yaml"), fails, (k, 3)))
    assert (together.noticed, together.missed) == (whole.noticed, whole.missed)


def test_a_score_that_is_required_is_held_against_what_was_noticed() -> None:
    result = FileResult("x.test.yaml", require={"mutation_score": 80.0})
    count_mutants(result, MutationReport(caught=[mutant(1)]))
    assert result.unmet == []
    half = MutationReport([mutant(1)], [mutant(2)])
    count_mutants(result, half, [half, MutationReport([mutant(2)], [mutant(1)])])
    assert result.unmet == []  # the other file notices it
    count_mutants(result, half)
    assert result.unmet == ["mutation_score is 50 %, but 80 % is required"]


def mutant(number: int, path: str = "x.rules.yaml") -> Mutant:
    at = Location(number, 1, number, 2)
    return Mutant(mutation=Mutation.THRESHOLD, path=path, location=at, rule="a", before="1", after="2", start=number,
                  end=number, written="2")  # fmt: skip


def test_mutants_of_several_files_of_tests_count_once(folder: Path) -> None:
    one = MutationReport([mutant(1)], [mutant(2), mutant(3)])
    other = MutationReport([mutant(2, "./x.rules.yaml")], [mutant(1), mutant(4)])
    together = combine_reports([one, other])
    assert [m.start for m in together.caught] == [1, 2]
    assert [m.start for m in together.missed] == [3, 4]
    assert together.score == 50
