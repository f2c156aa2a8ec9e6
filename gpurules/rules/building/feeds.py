"""Reads where a declared field is fed from, and says what is wrong with it."""

from collections.abc import Iterator, Mapping
from math import isfinite

from gpurules.diagnostics import Diagnostic
from gpurules.fields import AMBIENT
from gpurules.fields.feeds import (
    Feed,
    MatchOperator,
    SelectorError,
    SeriesAggregate,
    SeriesSelector,
    is_factor,
    parse_selector,
)
from gpurules.language.terms.patterns import PatternError, matcher
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, plain_value, problem_at

_WRONG = "GPR403"
_REGULAR = (MatchOperator.MATCHES, MatchOperator.NOT_MATCHES)


def feed_of(node: YamlNode | None) -> Feed | None:
    """Return the feed that *node* declares.

    Missing: there is none, or something is wrong with it, as :func:`feed_problems` says.
    """
    if not isinstance(node, YamlMapping):
        return None
    selector, aggregate, factor = (node.get(key) for key in ("prometheus", "aggregate", "factor"))
    try:
        if not isinstance(selector, YamlScalar):
            return None
        parsed = parse_selector(selector.text)
        _check_patterns(parsed)
    except (SelectorError, PatternError):
        return None
    name = aggregate.text if isinstance(aggregate, YamlScalar) else ""
    times = _factor(factor)
    if (aggregate is not None and name not in set(SeriesAggregate)) or times is None:
        return None
    return Feed(parsed, SeriesAggregate(name) if name else None, times)


def _factor(node: YamlNode | None) -> float | None:
    if node is None:
        return 1.0
    value = plain_value(node.text) if isinstance(node, YamlScalar) and not node.style else None
    return float(value) if is_factor(value) and isinstance(value, int | float) else None


def _check_patterns(selector: SeriesSelector) -> None:
    for one in selector.matchers:
        if one.operator in _REGULAR:
            matcher(one.value)


def feed_problems(section: Mapping[str, YamlNode]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the feeds of the section ``fields``, beyond what its schema says."""
    for name, node in section.items():
        source = node.get("from") if isinstance(node, YamlMapping) else None
        if isinstance(node, YamlMapping) and isinstance(source, YamlMapping):
            yield from _problems(name, node, source)


def _problems(name: str, field: YamlMapping, source: YamlMapping) -> Iterator[Diagnostic]:
    scope, kind, selector, factor = (
        field.get("scope"),
        field.get("type"),
        source.get("prometheus"),
        source.get("factor"),
    )
    if isinstance(scope, YamlScalar) and scope.text in ("transfer", "workload"):
        message = f"series are of GPUs and nodes, but {name!r} belongs to a {scope.text}"
        yield problem_at(scope, _WRONG, message, f"write scope: {' or scope: '.join(sorted(AMBIENT))}")
    if isinstance(kind, YamlScalar) and kind.text == "string":
        yield problem_at(
            kind, _WRONG, "series have numbers, not strings", "write type: number, or type: bool for 0 and 1"
        )
    if isinstance(factor, YamlScalar) and _factor(factor) is None and _is_number(factor):
        yield problem_at(factor, _WRONG, f"a factor of {factor.text} leaves no value", "write a number such as 0.001")
    if isinstance(selector, YamlScalar) and selector.text.strip():
        try:
            _check_patterns(parse_selector(selector.text))
        except SelectorError as error:
            yield problem_at(selector, _WRONG, str(error), error.hint)
        except PatternError as error:
            yield problem_at(selector, _WRONG, f"a label is compared with a pattern that RE2 cannot read: {error}")


def _is_number(node: YamlScalar) -> bool:
    value = plain_value(node.text)
    return isinstance(value, int | float) and isfinite(value)
