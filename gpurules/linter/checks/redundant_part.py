"""GPR203: a part that changes nothing."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Need, Severity
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, beside, proved_fix
from gpurules.linter.meaning.analysis import Redundancy
from gpurules.linter.reports.redundancy import redundancies
from gpurules.linter.rewriting.equivalence import are_equivalent

ABOUT = Code(
    code="GPR203",
    name="redundant-part",
    severity=Severity.WARNING,
    kind="meaning",
    summary="a part of an AND or OR that has no effect",
    fix=Fix.SAFE,
    needs=Need.ANALYSIS,
    form=Form.CONDITION,
    avoid="gpu_memory > 80 AND gpu_memory > 60",
    prefer="gpu_memory > 80",
    why="The other parts already imply this one, so it has no effect. The fix is safe if the condition "
    "also stays the same for missing facts; `x IS NOT MISSING AND x > 80` is FALSE where `x > 80` is "
    "UNKNOWN, but matches in exactly the same cases.",
)


class RedundantPart:
    """A part of an AND or an OR that the other parts already say."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for part in redundancies(subject):
            if part.by:
                yield _found(ABOUT.code, part, subject)


def _found(code: str, part: Redundancy, subject: Subject) -> Diagnostic:
    placed, text = part.one.placed, part.one.placed.expression.parsed.text
    by = " and ".join(f"`{' '.join(text[span.start : span.end].split())}`" for span in part.by)
    is_and = part.junction.is_and
    message = f"this has no effect: {'it holds wherever' if is_and else 'wherever it holds so does'} {by}"
    message += " does" if is_and else ""
    finding = Finding(code, part.span, message, "remove it", part.edits, True)
    related = tuple(beside(placed, "already implies it", span) for span in part.by)
    if part.is_proved or _is_said_whatever_else(part):
        return replace(placed.expression.diagnostic(finding, placed.rule), related=related)
    return replace(proved_fix(finding, placed, subject), related=related)


def _is_said_whatever_else(needless: Redundancy) -> bool:
    """Return whether the parts that say it are the same with it and without it: then so is the whole condition."""
    by = [part.term for part in needless.junction.parts if part.node.span in needless.by]
    own = next(part.term for part in needless.junction.parts if part.node.span == needless.span)
    join = ir.And if needless.junction.is_and else ir.Or
    return bool(by) and are_equivalent(join((own, *by)), join(tuple(by)) if len(by) > 1 else by[0])
