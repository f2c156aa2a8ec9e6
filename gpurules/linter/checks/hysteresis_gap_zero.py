"""GPR603: an ``until`` that holds as soon as the condition does not."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Span
from gpurules.language import ir
from gpurules.language.nodes import Comparator
from gpurules.linter.check import Subject, found

_OPPOSITE = {
    Comparator.LT: Comparator.GE,
    Comparator.LE: Comparator.GT,
    Comparator.GT: Comparator.LE,
    Comparator.GE: Comparator.LT,
    Comparator.EQ: Comparator.NE,
    Comparator.NE: Comparator.EQ,
}
_MIRRORED = {
    Comparator.LT: Comparator.GT,
    Comparator.LE: Comparator.GE,
    Comparator.GT: Comparator.LT,
    Comparator.GE: Comparator.LE,
    Comparator.EQ: Comparator.EQ,
    Comparator.NE: Comparator.NE,
}


class HysteresisGapZero:
    """An explicit ``until`` exactly at the threshold of the condition.

    **Avoid.** ``condition: gpu_memory > 80`` with ``until: gpu_memory <= 80``.
    **Prefer.** ``until: gpu_memory < 75``, or no ``until``.
    **Why.** It says what is the case without it, and looks like the hysteresis that it is not.
    """

    code = "GPR603"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for signal in subject.ruleset.signals.values() if subject.ruleset else ():
            if signal.until is None or not _is_opposite(signal.condition, signal.until):
                continue
            placed = subject.expression_of(signal.until)
            if placed is not None:
                message = "this until is the condition turned round, as it would be without it"
                span = Span(0, len(placed.expression.parsed.text.rstrip()))
                yield found(self.code, placed, span, message, "leave a gap between the two thresholds, or remove until")


def _is_opposite(start: ir.Term, end: ir.Term) -> bool:
    if end == ir.Not(start, span=end.span) or start == ir.Not(end, span=start.span):
        return True
    return _link(end) == _turned(start) if isinstance(start, ir.Compare) else False


def _link(term: ir.Term) -> tuple[Comparator, ir.Term, ir.Term] | None:
    """Return the one link of a comparison, a constant on the right."""
    if not isinstance(term, ir.Compare) or len(term.comparators) != 1:
        return None
    left, right = term.operands
    if isinstance(left, ir.Constant):
        return _MIRRORED[term.comparators[0]], _plain(right), _plain(left)
    return term.comparators[0], _plain(left), _plain(right)


def _plain(term: ir.Term) -> ir.Term:
    """Return a constant without its spelling."""
    return ir.Constant(term.value, term.datatype) if isinstance(term, ir.Constant) else term


def _turned(term: ir.Term) -> tuple[Comparator, ir.Term, ir.Term] | None:
    link = _link(term)
    return (_OPPOSITE[link[0]], link[1], link[2]) if link else None
