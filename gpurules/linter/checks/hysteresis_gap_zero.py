"""GPR603: an ``until`` that holds as soon as the condition does not."""

import re
from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Edit, Finding, Fix, Form, Need, Severity, Span
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, whole
from gpurules.linter.conditions.links import UPWARD, ComparisonLink, single_link
from gpurules.linter.meaning.hysteresis import flaps, has_no_gap
from gpurules.model import Dimension
from gpurules.rules.building import Placed

ABOUT = Code(
    code="GPR603",
    name="hysteresis-gap-zero",
    severity=Severity.WARNING,
    kind="hysteresis",
    summary="an `until` exactly where the condition ends",
    fix=Fix.UNSAFE,
    needs=Need.ANALYSIS,
    form=Form.FILE,
    avoid="""\
version: 1
name: example
signals:
  full: {condition: gpu_memory > 80, until: gpu_memory <= 80}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    prefer="""\
version: 1
name: example
signals:
  full: {condition: gpu_memory > 80, until: gpu_memory < 75}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    why="An `until` that is the negation of the condition ends the signal where it would have ended "
    "anyway. It looks like hysteresis but is not: leave a gap between the two thresholds. The absence "
    "of a gap is proved, however the two are spelled; `> 80` and `< 80` of a measured real number "
    "exclude only the number itself, and are reported too. The fix moves a plain threshold away, by 5 "
    "percentage points or degrees, or by 5 percent of the threshold.",
)

_SPELLING = re.compile(r"(\d+(?:\.\d+)?)([^\d:]*)")
_STEP = 5
"""The width of the proposed gap: percentage points or degrees, or a percentage of the number."""
_ONE_SCALE = (Dimension.PERCENT, Dimension.CELSIUS)


class HysteresisGapZero:
    """An explicit ``until`` exactly at the threshold of the condition, in whatever spelling."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield findings, except those already reported about an effect that the signal lets flap."""
        analysis = subject.analysis
        if analysis is None:
            return
        reported_signals = {flap.rule.signal for flap in flaps(analysis)}
        for signal in analysis.ruleset.signals.values():
            placed = subject.expression_of(signal.until) if signal.until is not None else None
            if placed is not None and signal.name not in reported_signals and has_no_gap(signal, analysis):
                yield self._found(placed)

    def _found(self, placed: Placed) -> Diagnostic:
        message = "this until holds as soon as the condition does not, so it has no effect"
        hint = "leave a gap between the two thresholds, or remove until"
        finding = Finding(ABOUT.code, whole(placed), message, hint, edits=tuple(_wider(placed)))
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


def _moved(link: ComparisonLink) -> str | None:
    """Return the spelling of a threshold further from the condition, None where it is not a plain number."""
    found = _SPELLING.fullmatch(link.constant.spelling)
    if found is None:
        return None
    number, unit = float(found[1]), found[2]
    step = _STEP if link.constant.datatype.dimension in _ONE_SCALE else abs(number) * _STEP / 100
    if isinstance(link.term, ir.Read) and link.term.field.integer and not unit:
        step = max(1, round(step))
    return f"{number + step if link.comparator in UPWARD else number - step:.6g}{unit}"
