"""Comments that silence findings."""

from datetime import date

import pytest

from gpurules.diagnostics import DEFAULT_CODES
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import apply_fixes

TODAY = Policy(today=date(2026, 6, 1))
TEXT = """\
version: 1
name: x
rules:
  %s
  - name: a
    condition: transfer_size > 5000 AND file_type == 'modle'  %s
    action: pause_transfer
"""


def codes(above: str = "#", beside: str = "", policy: Policy = TODAY) -> list[str]:
    return [d.code for d in lints(TEXT % (above, beside), "x.yaml", None, policy)]


def test_without_one_all_is_found() -> None:
    assert codes() == ["GPR105", "GPR107"]


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        ("GPR105", ["GPR107"]),
        ("GPR105, GPR107", []),
        ("GPR1", []),
        ("unknown-enum-value", ["GPR105"]),
    ],
)
def test_on_the_line_or_above_the_rule(selector: str, left: list[str]) -> None:
    comment = f'# gpurules: ignore[{selector}] reason="burn-in rack"'
    assert codes(beside=comment) == left
    assert codes(above=comment) == left


def test_one_for_the_whole_file() -> None:
    text = f'# gpurules: ignore-file[GPR1] reason="old"\n{TEXT % ("#", "")}'
    assert lints(text, "x.yaml") == []


def test_one_above_another_rule_silences_nothing() -> None:
    text = (TEXT % ("#", "")) + '  # gpurules: ignore[GPR105] reason="b"\n  - name: b\n'
    text += "    condition: gpu_memory > 1\n    action: pause_transfer\n"
    assert [d.code for d in lints(text, "x.yaml")] == ["GPR105", "GPR107", "GPR901"]


def test_one_that_has_expired_is_a_finding_and_silences_nothing() -> None:
    comment = '# gpurules: ignore[GPR1] reason="x" until=2026-05-31'
    assert sorted(codes(beside=comment)) == ["GPR105", "GPR107", "GPR902"]
    assert codes(beside=comment.replace("05-31", "06-01")) == []


def test_without_a_day_nothing_expires() -> None:
    assert codes(beside='# gpurules: ignore[GPR1] reason="x" until=2001-01-01', policy=Policy()) == []


def test_a_day_that_is_none_is_a_finding() -> None:
    assert "GPR902" in codes(beside='# gpurules: ignore[GPR1] reason="x" until=soon')


def test_one_without_a_reason_still_silences() -> None:
    assert codes(beside="# gpurules: ignore[GPR1]") == ["GPR903"]
    assert codes(beside='# gpurules: ignore[GPR1] reason=""') == ["GPR903"]


def test_an_unknown_code_is_named() -> None:
    (found,) = [d for d in lints(TEXT % ("#", '# gpurules: ignore[GPR1O5] reason="x"'), "x.yaml") if d.code == "GPR904"]
    assert (found.line, found.column, found.end_column) == (6, 82, 88)
    assert found.hint == "did you mean 'GPR105'?" or "GPR1" in str(found.hint)


def test_one_that_silences_nothing_can_be_removed() -> None:
    text = TEXT % ('# gpurules: ignore[GPR402] reason="x"', '# gpurules: ignore[GPR105, GPR403, GPR107] reason="y"')
    found = [d for d in lints(text, "x.yaml") if d.code == "GPR901"]
    assert [d.line for d in found] == [4, 6]
    assert apply_fixes(text, found) == TEXT.replace("  %s\n", "", 1) % '# gpurules: ignore[GPR105, GPR107] reason="y"'


def test_what_was_not_looked_for_is_not_unused() -> None:
    policy = Policy(DEFAULT_CODES - {"GPR105"})
    assert codes(beside='# gpurules: ignore[GPR105] reason="x"', policy=policy) == ["GPR107"]


def test_a_base_silences_its_own_findings(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "base.yaml").write_text(TEXT % ("#", '# gpurules: ignore[GPR1] reason="x"'))
    text = "version: 1\nname: y\nextends: [base.yaml]\n"
    assert lints(text, str(tmp_path / "site.yaml")) == []
