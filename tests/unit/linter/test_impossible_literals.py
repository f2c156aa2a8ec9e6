"""A text that a field never has is one warning at the literal, wherever it stands: not the error of its condition."""

import pytest

from gpurules.diagnostics import Severity
from gpurules.linter import lints

RULES = """version: 1
name: x
rules:
  - {{name: a, condition: "{}", action: pause_transfer}}
"""


@pytest.mark.parametrize(
    ("condition", "literals"),
    [
        ("file_extension == 'pt'", ["'pt'"]),
        ("file_extension IN ('.bin', 'safetensors', '.PT')", ["'safetensors'", "'.PT'"]),
        ("file_extension == 'pt' OR gpu_memory > 80", ["'pt'"]),
        ("path ENDSWITH 'x' AND file_extension != 'pt'", ["'pt'"]),
        ("file_type == 'modle'", ["'modle'"]),
        ("file_type == 'modle' AND gpu_memory > 80", ["'modle'"]),
    ],
)
def test_it_is_one_warning_for_each_literal_and_nothing_else(condition: str, literals: list[str]) -> None:
    text = RULES.format(condition)
    found = lints(text)
    assert [(one.code, one.severity) for one in found] == [("GPR107", Severity.WARNING)] * len(literals)
    line = text.splitlines()[3]
    assert [line[one.column - 1 : one.end_column - 1] for one in found] == literals
