"""Rule files of Prometheus, read: the alerting and recording rules in them, each with its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.diagnostics import DiagnosedError
from gpurules.errors import GpurulesError
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml

_NO_GROUPS = "it has no `groups:` of rules; is it a Prometheus rule file, or a PrometheusRule?"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class RuleFileError(GpurulesError):
    """A file is not a rule file of Prometheus."""


@dataclass(frozen=True, slots=True)
class PrometheusRule:
    """One rule: an alert, or with ``is_recording`` a series that is computed.

    Units: seconds. Missing: ``problem`` is what is wrong with it, None where it can be read.
    """

    name: str
    expression: str
    place: str
    is_recording: bool = False
    for_seconds: float = 0.0
    keep_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def read_rules(data: bytes, path: str) -> list[PrometheusRule]:
    """Return the rules of a file of Prometheus, of a PrometheusRule of Kubernetes, or of a List of these.

    Raises:
        RuleFileError: it is not a rule file.
        DiagnosedError: it is not YAML.
    """
    document = read_yaml(data, path)
    if document.problems:
        raise DiagnosedError(document.problems)
    root = document.root
    items = root.get("items") if isinstance(root, YamlMapping) else None
    found = [_groups(one) for one in (items.items if isinstance(items, YamlSequence) else (root,))]
    if not found or None in found:
        raise RuleFileError(f"{path}: {_NO_GROUPS}")
    return [rule for groups in found if groups for group in groups.items for rule in _of_group(group, path)]


def _groups(root: YamlNode | None) -> YamlSequence | None:
    if not isinstance(root, YamlMapping):
        return None
    found = root.get("groups")
    specification = root.get("spec")
    if found is None and isinstance(specification, YamlMapping):
        found = specification.get("groups")
    return found if isinstance(found, YamlSequence) else None


def _of_group(group: YamlNode, path: str) -> Iterator[PrometheusRule]:
    rules = group.get("rules") if isinstance(group, YamlMapping) else None
    if isinstance(rules, YamlSequence):
        for node in rules.items:
            yield _rule(node, path)


def _rule(node: YamlNode, path: str) -> PrometheusRule:
    place = f"{path}:{node.location().line}"
    if not isinstance(node, YamlMapping):
        return PrometheusRule("?", "", place, problem="it is not a mapping")
    alert, record, expression = (_text(node.get(key)) for key in ("alert", "record", "expr"))
    name = alert or record or "?"
    if expression is None or (alert is None) == (record is None):
        return PrometheusRule(name, expression or "", place, problem="it needs `expr`, and `alert` or `record`")
    timers, problem = [0.0, 0.0], None
    for position, key in enumerate(("for", "keep_firing_for")):
        try:
            timers[position] = _seconds(_text(node.get(key)) or "0s")
        except ValueError:
            problem = f"`{key}` is not a duration"
    labels, annotations = (_texts(node.get(key)) for key in ("labels", "annotations"))
    return PrometheusRule(name, expression, place, alert is None, timers[0], timers[1], labels, annotations, problem)


def _text(node: YamlNode | None) -> str | None:
    return node.text if isinstance(node, YamlScalar) else None


def _texts(node: YamlNode | None) -> dict[str, str]:
    if not isinstance(node, YamlMapping):
        return {}
    return {key: text for key, value in node.values.items() if (text := _text(value)) is not None}


def _seconds(text: str) -> float:
    """Return a duration of Prometheus.

    Raises:
        ValueError: it is none.
    """
    total, rest = 0.0, text.strip()
    if rest == "0":
        return 0.0
    while rest:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        rest = rest[len(digits) :]
        unit = next((unit for unit in ("ms", "s", "m", "h", "d", "w", "y") if rest.startswith(unit)), None)
        if not digits or unit is None or len(digits) > 12:
            raise ValueError(text)
        total, rest = total + int(digits) * _UNITS[unit], rest[len(unit) :]
    return total
