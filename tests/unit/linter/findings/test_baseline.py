"""The baseline, and the fingerprints that it goes by."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import (
    BaselineError,
    baseline_entries,
    lints,
    new_findings,
    parse_baseline,
    render_baseline,
    shrink_baseline,
    stale_entries,
)

TEXT = """\
version: 1
name: x
rules:
  - {name: a, condition: file_type == 'x', action: pause_transfer}
  - {name: b, condition: file_type == 'y' AND file_type == 'z', action: pause_transfer}
"""


def found(text: str = TEXT) -> list[Diagnostic]:
    return lints(text, "x.yaml")


def prints(text: str) -> list[str]:
    return [str(d.fingerprint) for d in found(text)]


def test_fingerprints_differ() -> None:
    assert len(set(prints(TEXT))) == 3


def test_they_survive_moved_lines_and_another_layout() -> None:
    assert prints(TEXT.replace("rules:", "\n\n# more\nrules:")) == prints(TEXT)
    assert prints(TEXT.replace("file_type == 'x'", "file_type   ==   'x'")) == prints(TEXT)


def test_they_change_with_the_condition() -> None:
    assert prints(TEXT.replace("'x'", "'w'"))[0] != prints(TEXT)[0]


def test_what_is_known_is_not_reported() -> None:
    known = parse_baseline(render_baseline(baseline_entries(found())))
    assert new_findings(found(), known) == []
    more = TEXT + "  - {name: c, condition: file_type == 'v', action: pause_transfer}\n"
    assert [d.rule for d in new_findings(found(more), known)] == ["c"]


def test_what_is_fixed_is_stale() -> None:
    known = parse_baseline(render_baseline(baseline_entries(found())))
    fixed = TEXT.replace("'x'", "'model'")
    (stale,) = stale_entries(found(fixed), known, "baseline.json")
    assert (stale.code, stale.path) == ("GPR905", "baseline.json")
    assert stale.line > 1
    assert len(shrink_baseline(found(fixed), known)) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": 3}', '{"findings": [1]}', "[" * 100_000])
def test_what_is_no_baseline_is_an_error(text: str) -> None:
    with pytest.raises(BaselineError):
        parse_baseline(text)
