"""Validates the sense of a test whose keys can all be read: a test that asserts nothing must not pass."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from gpurules.diagnostics import Diagnostic
from gpurules.registry import did_you_mean
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence, problem_at
from gpurules.ruletest.case import OUTCOMES, REASONS

Values: TypeAlias = Mapping[str, YamlNode]
_ABOUT_A_RULE = ("outcome", "because", "devices")
_CHOICES = {"outcome": OUTCOMES, "because": REASONS}


def missing(node: YamlNode, values: Values, *keys: str) -> Iterator[Diagnostic]:
    """Yield a finding for each of *keys* that *values*, those of *node*, lack."""
    for key in keys:
        if key not in values:
            yield problem_at(node, "GPR402", f"the key {key!r} is missing")


def in_case(node: YamlMapping, values: Values) -> Iterator[Diagnostic]:
    """Yield what makes no sense about a case."""
    if "table" in values:
        if "expect" in values:
            advice = "split it into two cases"
            yield problem_at(values["expect"], "GPR403", "a table contains its own expectations", advice)
        if "series" in values:
            yield problem_at(values["series"], "GPR403", "a table covers single points in time, without a series")
    elif "expect" not in values:
        yield problem_at(node, "GPR402", "the key 'expect' is missing", "add expect, or a table")
    series = values.get("series")
    if series is not None and not isinstance(series, YamlMapping):
        advice = 'series: {gpu[0].memory: "70% 86%x12"}'
        yield problem_at(series, "GPR403", "expected samples by the path of a fact", advice)


def in_expectation(node: YamlNode, values: Values) -> Iterator[Diagnostic]:
    """Yield what makes no sense about an expectation."""
    for key in _ABOUT_A_RULE:
        if key in values and "rule" not in values:
            advice = "name it: rule: NAME"
            yield problem_at(values[key], "GPR402", f"{key!r} requires a rule, but none is named", advice)
    decision = values.get("decision")
    if decision is not None and not isinstance(decision, YamlMapping):
        advice = "decision: {prefetch_factor: 0.5}"
        yield problem_at(decision, "GPR403", "expected parts of a decision", advice)
    outcome = values.get("outcome")
    if "because" in values and isinstance(outcome, YamlScalar) and outcome.text in OUTCOMES[:3]:
        advice = "only a suppressed rule has a reason: outcome: suppressed"
        yield problem_at(values["because"], "GPR403", f"'because' cannot be combined with {outcome.text!r}", advice)


def in_table(node: YamlNode, values: Values, columns: Sequence[str], rule: bool) -> Iterator[Diagnostic]:
    """Yield what makes no sense about a table; *rule* says whether its case names one."""
    yield from missing(node, values, "columns", "rows")
    if "columns" in values and not {*_ABOUT_A_RULE} & {*columns}:
        advice = "add a column outcome, because or devices"
        yield problem_at(values["columns"], "GPR402", "the table expects nothing", advice)
    if not rule and "rule" not in columns:
        yield problem_at(node, "GPR402", "the table names no rule", "name it next to the table: rule: NAME")
    rows = values.get("rows")
    for row in rows.items if isinstance(rows, YamlSequence) else []:
        cells = row.items if isinstance(row, YamlSequence) else []
        for column, cell in zip(columns, cells, strict=False):
            choices = _CHOICES.get(column, ())
            if choices and isinstance(cell, YamlScalar) and cell.text not in choices:
                advice = did_you_mean(cell.text, choices) or f"it is one of {', '.join(choices)}"
                yield problem_at(cell, "GPR403", f"{cell.text[:60]!r} is not a valid {column}", advice)


def in_property(node: YamlNode, values: Values) -> Iterator[Diagnostic]:
    """Yield what makes no sense about a property."""
    both = [key for key in ("never", "always") if key in values]
    if not both:
        yield problem_at(node, "GPR402", "a property needs never or always")
    if len(both) == 2:
        advice = "split it into two properties"
        yield problem_at(values["always"], "GPR403", "a property has either never or always", advice)
    for key in both:
        pattern = values[key]
        if isinstance(pattern, YamlMapping) and not pattern.values:
            yield problem_at(pattern, "GPR402", "the pattern is empty", "add all_match, some_match or none_match")
