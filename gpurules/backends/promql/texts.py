"""Writes conditions about strings in PromQL: as matchers of the label that carries the string."""

import re
from dataclasses import dataclass

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql.naming import MetricNaming, TextLabel
from gpurules.backends.promql.vectors import EVERYWHERE, NOWHERE, Algebra, Level, TruthVectors, Vector
from gpurules.language.syntax.nodes import Comparator, TextOperator
from gpurules.language.terms import ir
from gpurules.strict_json import dumps

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def text_truth(term: ir.Compare | ir.TextTest | ir.IsMissing, naming: MetricNaming, algebra: Algebra) -> TruthVectors:
    """Return where a condition about one string and a constant is TRUE and FALSE.

    Raises:
        UnsupportedError: it compares anything else, or the exporter has no label for the string.
    """
    subject, pattern, is_negated = _parts(term)
    if not isinstance(subject, ir.Read):
        raise UnsupportedError("PromQL can match a label, but not compute a string", term.span)
    if subject.field.name == "weekday":
        return _weekday(term, pattern, is_negated)
    texts = _Texts(naming, algebra)
    constant = naming.constants.get(subject.field.name)
    if constant is not None:
        return texts.constant(constant, term, pattern, is_negated)
    label = naming.metric(naming.texts, subject)
    return texts.matched(label, term, pattern, is_negated)


def _parts(term: ir.Compare | ir.TextTest | ir.IsMissing) -> tuple[ir.Term, str, bool]:
    """Return the string, what it is compared with, and whether ``!=`` compares them."""
    match term:
        case ir.IsMissing():
            return term.operand, "", False
        case ir.TextTest():
            subject, other, negated = term.subject, term.pattern, False
        case ir.Compare():
            (comparator,), (subject, other) = term.comparators, term.operands
            negated = comparator is Comparator.NE
            if isinstance(subject, ir.Constant):
                subject, other = other, subject
    if not isinstance(other, ir.Constant) or not isinstance(other.value, str):
        raise UnsupportedError("PromQL compares a label with a constant only", term.span)
    return subject, other.value, negated


def _weekday(term: ir.Term, pattern: str, is_negated: bool) -> TruthVectors:
    if not isinstance(term, ir.Compare):
        raise UnsupportedError("PromQL knows the day of the week as a number", term.span)
    number = _WEEKDAYS.index(pattern) if pattern in _WEEKDAYS else -1
    pair = TruthVectors(
        Vector(f"day_of_week() == {number}", Level.GLOBAL), Vector(f"day_of_week() != {number}", Level.GLOBAL)
    )
    return pair.negated if is_negated else pair


@dataclass(frozen=True, slots=True)
class _Texts:
    naming: MetricNaming
    algebra: Algebra

    def constant(self, value: str, term: ir.Term, pattern: str, is_negated: bool) -> TruthVectors:
        """Return the truth of a condition about a string that is the same on every GPU."""
        if not isinstance(term, ir.Compare):
            raise UnsupportedError(f"every GPU of {self.naming.name} has the same value there", term.span)
        everywhere = self.algebra.broadcast(EVERYWHERE, Level.GPU)
        pair = TruthVectors(everywhere, NOWHERE)
        return pair if (value == pattern) is not is_negated else pair.negated

    def matched(self, label: TextLabel, term: ir.Term, pattern: str, is_negated: bool) -> TruthVectors:
        """Return the truth of a condition about a label."""
        name = label.label
        if isinstance(term, ir.IsMissing):
            return TruthVectors(self._with(label, f'{name}=""'), self._with(label, f'{name}!=""'))
        if isinstance(term, ir.TextTest):
            quoted = dumps(_regex(term.operator, pattern, term), ascii_only=True)
            true, false = f"{name}=~{quoted}", f"{name}!~{quoted}"
        else:
            true, false = f"{name}={dumps(pattern, ascii_only=True)}", f"{name}!={dumps(pattern, ascii_only=True)}"
        some = f'{name}!=""'
        pair = TruthVectors(self._with(label, true, some), self._with(label, false, some))
        return pair.negated if is_negated else pair

    def _with(self, label: TextLabel, *matchers: str) -> Vector:
        selector = f"{label.metric}{{{', '.join(matchers)}}}"
        return Vector(f"group by {self.algebra.labels(Level.GPU)} ({selector})", Level.GPU, is_atom=True)


def _regex(operator: TextOperator, pattern: str, term: ir.Term) -> str:
    """Return the anchored regular expression that means the same; both sides use RE2."""
    plain, rest = re.sub(r"([^\w ])", r"\\\1", pattern), "(?s:.*)"
    match operator:
        case TextOperator.CONTAINS:
            return f"{rest}{plain}{rest}"
        case TextOperator.STARTSWITH:
            return f"{plain}{rest}"
        case TextOperator.ENDSWITH:
            return f"{rest}{plain}"
        case TextOperator.MATCHES:
            return f"{rest}(?:{pattern}){rest}"
        case _:
            raise UnsupportedError("PromQL has no GLOB", term.span)
