"""GPR603: an ``until`` that holds as soon as the condition does not."""

import re
from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Edit, Finding, Span
from gpurules.language import ir
from gpurules.linter.check import Subject, whole
from gpurules.linter.conditions.links import UPWARD, Link, single_link
from gpurules.linter.meaning.hysteresis import flaps, has_no_gap
from gpurules.model import Dimension
from gpurules.rules.building import Placed

_SPELLING = re.compile(r"(\d+(?:\.\d+)?)([^\d:]*)")
_STEP = 5
"""How wide a gap is proposed: so many points of percent or degrees, or so many percent of the number."""
_ONE_SCALE = (Dimension.PERCENT, Dimension.CELSIUS)


class HysteresisGapZero:
    """An explicit ``until`` exactly at the threshold of the condition, in whatever spelling.

    **Avoid.** ``condition: gpu_memory > 80`` with ``until: gpu_memory <= 80``.
    **Prefer.** ``until: gpu_memory < 75``, or no ``until``.
    **Why.** It says what is the case without it, and looks like the hysteresis that it is not.
    """

    code = "GPR603"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds; not what is told already of an effect that it lets flap."""
        analysis = subject.analysis
        if analysis is None:
            return
        told = {flap.rule.signal for flap in flaps(analysis)}
        for signal in analysis.ruleset.signals.values():
            placed = subject.expression_of(signal.until) if signal.until is not None else None
            if placed is not None and signal.name not in told and has_no_gap(signal, analysis):
                yield self._found(placed)

    def _found(self, placed: Placed) -> Diagnostic:
        message = "this until holds as soon as the condition does not, as it would be without it"
        hint = "leave a gap between the two thresholds, or remove until"
        finding = Finding(self.code, whole(placed), message, hint, edits=tuple(_wider(placed)))
        return placed.expression.diagnostic(finding, placed.rule)


def _wider(placed: Placed) -> Iterator[Edit]:
    """Yield the edit that moves the threshold of a plain ``until`` away from the condition."""
    link, text = single_link(placed.checked.term), placed.expression.parsed.text
    if link is None or not isinstance(link.term, ir.Read):
        return
    span, spelling = link.constant.span, link.constant.spelling
    moved = _moved(link)
    if moved is not None and text[span.start : span.end] == spelling:
        yield Edit(Span(span.start, span.end), moved)


def _moved(link: Link) -> str | None:
    """Return the spelling of a threshold further from the condition, None where it is no plain number."""
    found = _SPELLING.fullmatch(link.constant.spelling)
    if found is None:
        return None
    number, unit = float(found[1]), found[2]
    step = _STEP if link.constant.datatype.dimension in _ONE_SCALE else abs(number) * _STEP / 100
    if isinstance(link.term, ir.Read) and link.term.field.integer and not unit:
        step = max(1, round(step))
    return f"{number + step if link.comparator in UPWARD else number - step:.6g}{unit}"
