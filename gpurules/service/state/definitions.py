"""The definitions of the active ruleset as data: signals, thresholds in conditions, the text of files."""

from collections.abc import Iterator

from gpurules.fields import Scope
from gpurules.input_files import read_input
from gpurules.language import ir
from gpurules.language.syntax.nodes import Comparator
from gpurules.model import Kind
from gpurules.rules import Ruleset
from gpurules.rules.files import SHIPPED, read_file
from gpurules.service.wire.redaction import shown_source

MAX_SOURCE = 4 << 20
MAX_THRESHOLDS = 5000
_ACROSS_GPUS = frozenset({"max", "min", "avg"})
"""Aggregates whose value is on the scale of the field that they aggregate."""


def signals(ruleset: Ruleset) -> list[dict[str, object]]:
    """Return the definition of each signal.

    Units: ``for`` and ``keep_for`` in seconds.
    Missing: ``until`` None: the signal ends when its condition is not TRUE; ``rule`` None: it is a named signal.
    """
    return [
        {
            "name": signal.name,
            "condition": signal.text,
            "until": signal.until_text,
            "for": signal.for_seconds,
            "keep_for": signal.keep_for_seconds,
            "per_gpu": signal.per_gpu,
            "rule": signal.rule,
        }
        for signal in ruleset.signals.values()
    ]


def thresholds(ruleset: Ruleset) -> list[dict[str, object]]:
    """Return each comparison of a numeric field of GPUs with a number in the active conditions.

    ``attribute`` is the member of a GPU in the snapshot; ``comparison`` has the field on its left. ``ends``: the
    comparison is in the ``until`` of the signal.
    """
    found: list[dict[str, object]] = []
    for kind, name, is_ending, term in _conditions(ruleset):
        for attribute, comparison, number in _comparisons(term):
            entry = {"attribute": attribute, "comparison": comparison, "value": number, kind: name, "ends": is_ending}
            if entry not in found[-50:]:
                found.append(entry)
            if len(found) >= MAX_THRESHOLDS:
                return found
    return found


def _conditions(ruleset: Ruleset) -> Iterator[tuple[str, str, bool, ir.Term]]:
    for rule in ruleset.rules:
        if rule.enabled:
            yield "rule", rule.name, False, rule.term
    for signal in ruleset.signals.values():
        kind, name = ("rule", signal.rule) if signal.rule else ("signal", signal.name)
        yield kind, name, False, signal.condition
        if signal.until is not None:
            yield kind, name, True, signal.until


def _comparisons(term: ir.Term) -> Iterator[tuple[str, str, float]]:
    for part in ir.walk(term):
        if not isinstance(part, ir.Compare):
            continue
        for comparator, left, right in zip(part.comparators, part.operands, part.operands[1:]):
            yield from _comparison(left, comparator, right)
            yield from _comparison(right, comparator.mirrored, left)


def _comparison(left: ir.Term, comparator: Comparator, right: ir.Term) -> Iterator[tuple[str, str, float]]:
    """Yield the comparison of *left* with *right* if it is one of a GPU field with a number."""
    read = left.operand if isinstance(left, ir.Aggregate) and left.function in _ACROSS_GPUS else left
    if not isinstance(read, ir.Read) or not isinstance(right, ir.Constant):
        return
    field, number = read.field, right.value
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if is_number and field.scope is Scope.GPU and field.datatype.kind is Kind.NUMBER and not field.declared:
        yield field.attribute, comparator.value, float(number)  # type: ignore[arg-type]


def sources(ruleset: Ruleset) -> list[dict[str, object]]:
    """Return the text of each file that the ruleset was merged from, bases first, secrets hidden.

    Missing: ``source`` None if the file cannot be read, or a secret in it cannot be located to be hidden.
    """
    return [{"path": path, "source": _source(path, ruleset)} for path in ruleset.files]


def source(ruleset: Ruleset) -> str | None:
    """Return the text of the file that the ruleset was loaded from; None if it cannot be shown."""
    return None if ruleset.path is None else _source(ruleset.path, ruleset)


def _source(path: str, ruleset: Ruleset) -> str | None:
    try:
        data = read_file(path) if path.startswith(SHIPPED) else read_input(path, MAX_SOURCE)
    except (OSError, ValueError):
        return None
    return shown_source(data.decode("utf-8", "replace"), ruleset)
