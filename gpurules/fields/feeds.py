"""Feeds: which series of Prometheus text fill a declared field, and how several of them become one value."""

import re
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from gpurules.errors import GpurulesError

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_MATCHER = re.compile(
    r"""\s*(?P<label>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*
    (?:"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)'|`(?P<raw>[^`]*)`)\s*""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_EXAMPLE = 'write a metric with its labels, as in node_load1 or DCGM_FI_DEV_GPU_TEMP{modelName=~"NVIDIA H.*"}'
_LONGEST = 4096


class SelectorError(GpurulesError):
    """A text is not a selector; ``hint`` says what to write."""

    def __init__(self, message: str, hint: str = _EXAMPLE) -> None:
        self.hint = hint
        super().__init__(message)


class SeriesAggregate(StrEnum):
    """How several series become one value."""

    MAX = "max"
    MIN = "min"
    SUM = "sum"
    AVG = "avg"
    COUNT = "count"


class MatchOperator(StrEnum):
    """How the value of a label is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """One comparison of a label; a label that a series does not have is empty."""

    label: str
    operator: MatchOperator
    value: str


@dataclass(frozen=True, slots=True)
class SeriesSelector:
    """The series of one metric whose labels match.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#instant-vector-selectors
    """

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """Where the values of a declared field come from.

    Missing: ``aggregate`` is None where exactly one series is expected.
    """

    selector: SeriesSelector
    aggregate: SeriesAggregate | None = None
    factor: float = 1.0


def is_factor(value: object) -> bool:
    """Return whether *value* can scale a series: a finite number other than 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value != 0


def parse_selector(text: str) -> SeriesSelector:
    """Return the selector that *text* says.

    Raises:
        SelectorError: it is not one; the message and its hint say why, and what to write.

    >>> parse_selector('up{job="node", instance!~"a.*",}').matchers[0]
    LabelMatcher(label='job', operator=<MatchOperator.EQUAL: '='>, value='node')
    """
    if len(text) > _LONGEST:
        raise SelectorError(f"the selector is longer than {_LONGEST} characters")
    stripped = text.strip()
    name = _NAME.match(stripped)
    if name is None:
        raise SelectorError(f"a selector begins with the name of a metric, not with {stripped[:1]!r}")
    rest = stripped[name.end() :].strip()
    if not rest:
        return SeriesSelector(name[0])
    if not rest.startswith("{"):
        raise SelectorError(
            f"a feed is one selector, and {rest[:20]!r} after {name[0]!r} makes it an expression",
            f"feed the field from {'the metric' if rest.startswith('(') else name[0]}, and write the rest in the "
            "condition",
        )
    return SeriesSelector(name[0], _matchers(rest))


def _matchers(text: str) -> tuple[LabelMatcher, ...]:
    found: list[LabelMatcher] = []
    at = 1
    while text[at:].strip() != "}":
        matcher = _MATCHER.match(text, at)
        if matcher is None:
            raise SelectorError(f"not a comparison of a label: {text[at : at + 30].strip()!r}")
        value = next(v for v in (matcher["double"], matcher["single"], matcher["raw"]) if v is not None)
        if matcher["raw"] is None:
            value = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), value)
        found.append(LabelMatcher(matcher["label"], MatchOperator(matcher["operator"]), value))
        at = matcher.end()
        if text[at : at + 1] == ",":
            at += 1
        elif text[at:].strip() != "}":
            raise SelectorError(
                f"a comma or a closing brace is expected at {text[at : at + 20]!r}"
                if text[at:].strip()
                else "the selector has no closing brace"
            )
    return tuple(found)
