"""A test that says nothing, or two things at once, is refused at its place: it would pass whatever the rules do."""

import pytest

from gpurules.ruletest import read_tests

HEAD = "kind: gpurules/test\nversion: 1\nrulesets: [x.rules.yaml]\n"
TABLE = "rule: a, table: {columns: [transfer.size, outcome], rows: [[1GiB, match]]}"


@pytest.mark.parametrize(
    ("text", "code", "at", "says"),
    [
        ("cases: [{name: n, expect: {outcome: match}}]", "GPR402", "match", "none is named"),
        ("cases: [{name: n, expect: {because: for}}]", "GPR402", "for", "none is named"),
        ("cases: [{name: n, expect: {devices: [0]}}]", "GPR402", "[0]", "none is named"),
        ("cases: [{name: n, expect: {rule: a, outcome: match, because: for}}]", "GPR403", "for", "be combined with"),
        ("cases: [{name: n, expect: {rule: a, decision: 3}}]", "GPR403", "3", "parts of a decision"),
        ("cases: [{name: n}]", "GPR402", "{name: n}", "'expect' is missing"),
        ("cases: [{name: n, series: [1], expect: {rule: a, outcome: match}}]",
         "GPR403", "[1]", "by the path of a fact"),
        ("cases: [{name: n, series: {transfer.size: ''}, expect: {rule: a, outcome: match}}]",
         "GPR403", "''", "no sample"),
        ("cases: [{name: n, interval: 0s, expect: {rule: a, outcome: match}}]", "GPR403", "0s", "above 0"),
        (f"cases: [{{name: n, expect: {{rule: a, outcome: match}}, {TABLE}}}]",
         "GPR403", "{rule: a, outcome: match}", "its own"),
        (f"cases: [{{name: n, series: {{transfer.size: 1}}, {TABLE}}}]",
         "GPR403", "{transfer.size: 1}", "single points in time"),
        ("cases: [{name: n, rule: a, table: {columns: [outcome]}}]",
         "GPR402", "{columns: [outcome]}", "'rows' is missing"),
        ("cases: [{name: n, rule: a, table: {columns: [transfer.size], rows: [[3]]}}]",
         "GPR402", "[transfer.size]", "expects nothing"),
        ("cases: [{name: n, table: {columns: [outcome], rows: [[match]]}}]",
         "GPR402", "{columns: [outcome], rows: [[match]]}", "names no rule"),
        ("cases: [{name: n, rule: a, table: {columns: [outcome], rows: [[mach]]}}]",
         "GPR403", "mach", "'mach' is not a valid outcome"),
        ("cases: [{name: n, rule: a, table: {columns: [because], rows: [[fro]]}}]",
         "GPR403", "fro", "'fro' is not a valid because"),
        ("properties: [{name: n}]", "GPR402", "{name: n}", "never or always"),
        ("properties: [{name: n, never: {}}]", "GPR402", "{}", "the pattern is empty"),
        ("properties: [{name: n, never: {all_match: [a]}, always: {all_match: [b]}}]",
         "GPR403", "{all_match: [b]}", "either"),
        ("replay: [{name: n, expect: {rule: a}}]", "GPR402", "{name: n, expect: {rule: a}}", "'history' is missing"),
        ("replay: [{name: n, history: h}]", "GPR402", "{name: n, history: h}", "'expect' is missing"),
        ("replay: [{name: n, history: h, expect: {max_flaps_per_hour: 1}}]",
         "GPR402", "{max_flaps_per_hour: 1}", "'rule' is missing"),
        ("replay: [{name: n, history: h, expect: {rule: a, matches_between: [3]}}]",
         "GPR403", "[3]", "minimum, maximum"),
        ("replay: [{name: n, history: h, expect: {rule: a, matches_between: [3, 1]}}]",
         "GPR403", "[3, 1]", "minimum, maximum"),
        ("require: {boundary: 101}", "GPR403", "101", "0 to 100"),
    ],
)  # fmt: skip
def test_it_is_refused_at_its_place(text: str, code: str, at: str, says: str) -> None:
    tests, problems = read_tests(HEAD + text + "\n", "x.test.yaml")
    assert tests is None
    (found,) = problems
    assert (found.code, found.line, found.end_line) == (code, 4, 4)
    assert says in found.message
    assert text[found.column - 1 : found.end_column - 1] == at


@pytest.mark.parametrize(("written", "share"), [("true", 100), ("false", 0), ("1", 1), ("62.5", 62.5)])
def test_a_requirement_is_a_share_or_all(written: str, share: float) -> None:
    tests, _ = read_tests(f"{HEAD}require: {{boundary: {written}}}\n", "x.test.yaml")
    assert tests is not None
    assert tests.require == {"boundary": share}
