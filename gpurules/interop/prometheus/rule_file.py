"""Rule files of Prometheus, as text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.interop.prometheus.signal_rules import RecordingRule
from gpurules.strict_json import dumps


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An alert.

    Units: seconds.
    """

    name: str
    expression: str
    for_seconds: float = 0.0
    keep_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RuleGroup:
    """Rules that are evaluated together, in order.

    Units: ``interval`` in seconds.
    """

    name: str
    interval: float
    rules: list[RecordingRule | AlertingRule] = field(default_factory=list)


def duration(seconds: float) -> str:
    """Return a duration as Prometheus writes it, to the millisecond.

    >>> duration(90.5), duration(3600), duration(0)
    ('1m30s500ms', '1h', '0s')
    """
    left, parts = round(seconds * 1000), []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def render_group(group: RuleGroup, comments: Iterable[str] = ()) -> str:
    """Return a rule file with one group, under *comments*."""
    lines = [*(f"# {' '.join(comment.split())}".rstrip() for comment in comments), "groups:"]
    lines += [f"  - name: {_quoted(group.name)}", f"    interval: {duration(group.interval)}"]
    lines += ["    rules:"] if group.rules else ["    rules: []"]
    for rule in group.rules:
        lines += _recording(rule) if isinstance(rule, RecordingRule) else _alerting(rule)
    return "\n".join([*lines, ""])


def _recording(rule: RecordingRule) -> Iterator[str]:
    yield f"      - record: {rule.name}"
    yield from _expression(rule.expression)


def _alerting(rule: AlertingRule) -> Iterator[str]:
    yield f"      - alert: {_quoted(rule.name)}"
    yield from _expression(rule.expression)
    if rule.for_seconds:
        yield f"        for: {duration(rule.for_seconds)}"
    if rule.keep_seconds:
        yield f"        keep_firing_for: {duration(rule.keep_seconds)}"
    for key, entries in (("labels", rule.labels), ("annotations", rule.annotations)):
        if entries:
            yield f"        {key}:"
            yield from (f"          {name}: {_quoted(text)}" for name, text in entries.items())


def _expression(text: str) -> Iterator[str]:
    yield "        expr: |-"
    yield f"          {text}"


def _quoted(text: str) -> str:
    """Return *text* as JSON writes it, which YAML reads, in ASCII so that no character is lost."""
    return dumps(text.encode("utf-8", "replace").decode("utf-8"), ascii_only=True)
