"""The tests of the rulesets that ship pass, and look at every rule."""

from pathlib import Path

import pytest

from gpurules.formatting import format_text
from gpurules.rules import shipped_names
from gpurules.ruletest import run_file

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", shipped_names())
def test_its_tests_pass(name: str) -> None:
    result = run_file(str(HERE / f"{name}.test.yaml"))
    assert [d.message for d in result.diagnostics] == []
    failed = {done.name: [(f.location.line, f.expected, f.got) for f in done.failures] for done in result.failed}
    assert failed == {}
    assert result.unmet == []


@pytest.mark.parametrize("name", shipped_names())
def test_they_are_formatted(name: str) -> None:
    text = (HERE / f"{name}.test.yaml").read_text()
    assert format_text(text) == text
