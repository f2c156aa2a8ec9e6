"""GPR201: a condition that can never be TRUE."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, at_part, beside, whole
from gpurules.linter.conditions.hour_windows import for_never, spelling_hint
from gpurules.linter.conditions.parts import ConditionPart, conjuncts
from gpurules.linter.meaning.analysis import Analysis, Contingency, Examined
from gpurules.proofs import ExpectedTruth, ScopedCondition, TruthClaim, is_true

ABOUT = Code(
    code="GPR201",
    name="unsatisfiable",
    severity=Severity.ERROR,
    kind="meaning",
    summary="a condition that can never be TRUE",
    needs=Need.ANALYSIS,
    form=Form.CONDITION,
    avoid="gpu_memory > 90 AND gpu_memory < 10",
    prefer="any(gpu_memory > 90) AND any(gpu_memory < 10)",
    why="A bare GPU field means one GPU: all parts of a condition refer to the same GPU. A condition that "
    "can never be TRUE makes a rule that never matches, and nothing else reveals it. The finding "
    "lists a minimal set of parts that exclude each other. It is a warning if only readings that contradict "
    "each other make the condition TRUE, such as more memory in use than there is.",
)


class Unsatisfiable:
    """A condition that can never be TRUE."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for one in analysis.examined if analysis else ():
            if analysis is not None and analysis.state(one) is Contingency.NEVER:
                clashing = _core(one, analysis)
                if _is_of_a_name(clashing, one, analysis):
                    continue
                found = self._found(one, clashing, analysis)
                yield _among_readings(found) if analysis.depends_on_readings(_whole(one)) else found

    def _found(self, one: Examined, clashing: list[ConditionPart], analysis: Analysis) -> Diagnostic:
        text = one.placed.expression.parsed.text
        written = [f"`{' '.join(text[part.node.span.start : part.node.span.end].split())}`" for part in clashing]
        if len(clashing) < 2:
            span = clashing[0].node.span if clashing else whole(one.placed)
            term = clashing[0].term if clashing else one.condition.term
            hint = spelling_hint(term) or for_never([term])
            return at_part(ABOUT.code, one.placed, span, "this can never be TRUE", hint=hint)
        *others, last = clashing
        message = f"this can never be TRUE: {', '.join(written[:-1])} and {written[-1]} exclude each other"
        related = tuple(beside(one.placed, "contradicts this", part.node.span) for part in others)
        return at_part(
            ABOUT.code, one.placed, last.node.span, message, related=related, hint=_hint(clashing, one, analysis)
        )


def _whole(one: Examined) -> list[TruthClaim]:
    return [TruthClaim(one.condition, ExpectedTruth.TRUE, on_one=True)]


def _among_readings(found: Diagnostic) -> Diagnostic:
    """Return *found* of a condition that only contradicting readings make TRUE: no error, as such readings may come."""
    message = found.message.replace("this can never be TRUE", "this is TRUE only if readings contradict each other", 1)
    return replace(found, message=message, level=Severity.WARNING)


def _claims(parts: list[ConditionPart], one: Examined) -> list[TruthClaim]:
    return [
        TruthClaim(ScopedCondition(part.term, one.condition.gpus), ExpectedTruth.TRUE, on_one=True) for part in parts
    ]


def _core(one: Examined, analysis: Analysis) -> list[ConditionPart]:
    """Return a minimal set of parts that exclude each other."""
    tree = one.placed.expression.parsed.tree
    kept = conjuncts(tree, one.condition.term) if tree is not None else []
    for part in list(kept):
        fewer = [other for other in kept if other is not part]
        if fewer and analysis.is_impossible(_claims(fewer, one), [one.title]):
            kept = fewer
    return kept


def _is_of_a_name(clashing: list[ConditionPart], one: Examined, analysis: Analysis) -> bool:
    """Return whether it is a definition that can never be TRUE, which is complained of where it stands."""
    return len(clashing) == 1 and analysis.uses(one, (Contingency.NEVER,))


def _hint(clashing: list[ConditionPart], one: Examined, analysis: Analysis) -> str | None:
    """Return what to write if the parts are limits of one field, or each may be about another GPU."""
    instead = for_never([part.term for part in clashing])
    if instead is not None and not any(ir.is_per_gpu(part.term) for part in clashing):
        return instead
    if not all(ir.is_per_gpu(part.term) for part in clashing):
        return None
    apart = [is_true(ScopedCondition(part.term, one.condition.gpus)) for part in clashing]
    if analysis.find_witness(apart) is None:
        return None
    return "one GPU cannot be both; if different GPUs are meant, put each part into any(…)"
