"""GPR206: bands of one field that leave something out between them, or both have it."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Need, Severity
from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.linter.check import Subject, whole
from gpurules.linter.meaning.analysis import Analysis, example
from gpurules.linter.meaning.bands import Band, Joint, band_of, joints, meeting
from gpurules.linter.meaning.shadows import shadows
from gpurules.linter.reports.rule_pairs import at_rules
from gpurules.proofs import ExpectedTruth, KnownFact, Sat, ScopedCondition, TruthClaim, Witness, build_witness

ABOUT = Code(
    code="GPR206",
    name="gap-or-overlap-in-bands",
    severity=Severity.WARNING,
    kind="meaning",
    summary="bands of one field leave a gap, or overlap, at their common edge",
    fix=Fix.UNSAFE,
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: some, condition: gpu_memory < 80, action: limit_concurrency, parameters: {max_concurrency: 8}}
- {name: few, condition: gpu_memory > 80, action: limit_concurrency, parameters: {max_concurrency: 2}}""",
    prefer="""\
- {name: some, condition: gpu_memory <= 80, action: limit_concurrency, parameters: {max_concurrency: 8}}
- {name: few, condition: gpu_memory > 80, action: limit_concurrency, parameters: {max_concurrency: 2}}""",
    why="The two rules apply the same kind of action on neighboring bands of one field. A value between "
    "them matches neither rule, or both. A gap or overlap of a single number is always reported. A "
    "wider gap is reported if it is narrow compared with the bands and the rules apply different "
    "amounts, an overlap if each band has values that the other lacks; `> 80` and `> 90` are grades, "
    "and are not reported. The fix makes the upper band begin where the lower one ends.",
)


class GapOrOverlapInBands:
    """Rules on neighboring bands of one field that do not meet: values between them match neither rule, or both."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is None:
            return
        groups: dict[tuple[str, tuple[str, ...]], list[Band]] = {}
        covered = {shadow.rule.position for shadow in shadows(analysis)}
        for one in analysis.active_rules:
            band = band_of(one)
            if band is not None and one.position not in covered:
                names = tuple(sorted(action.name for action in one.rule.actions))
                groups.setdefault((band.read.field.name, names), []).append(band)
        for bands in groups.values():
            for joint in joints(bands):
                yield from self._found(joint, analysis)

    def _found(self, joint: Joint, analysis: Analysis) -> Iterator[Diagnostic]:
        one, other = joint.lower.rule, joint.upper.rule
        witness = _at(joint.upper, joint.value)
        wanted, outcome = (ExpectedTruth.FALSE, "no-match") if joint.is_gap else (ExpectedTruth.TRUE, "match")
        if not all(
            TruthClaim(ScopedCondition(r.rule.term, r.rule.gpus), wanted).holds(witness.facts) for r in (one, other)
        ):
            return
        message, hint = _describe(joint)
        edit = meeting(joint)
        assert other.placed is not None or edit is None
        fix = Finding(ABOUT.code, whole(other.placed), message, edits=(edit,)) if edit and other.placed else None
        yield at_rules(
            ABOUT.code,
            other,
            (one,),
            message,
            hint=hint,
            witness=str(witness),
            example=example(Sat(witness), (one.rule.name, outcome), (other.rule.name, outcome)),
            edits=other.placed.expression.diagnostic(fix).edits if fix and other.placed else (),
        )


def _describe(joint: Joint) -> tuple[str, str]:
    one, other = joint.lower.rule.rule.name, joint.upper.rule.rule.name
    where = "at the edge between them" if joint.is_edge else f"where {spell(joint.region)}"
    if joint.is_gap:
        hint = "include the edge in one of them, with <= or >=" if joint.is_edge else "make the two bands meet"
        return f"neither `{one}` nor `{other}` matches {where}", hint
    hint = "exclude the edge from one of them" if joint.is_edge else "end one band where the other begins"
    return f"`{one}` and `{other}` both match {where}", hint


def _at(band: Band, value: float) -> Witness:
    """Return the assignment in which the field of a band has *value*, and nothing else is known."""
    is_per_gpu = ir.is_per_gpu(band.read)
    owned = frozenset({0}) if is_per_gpu and band.rule.rule.gpus == "workload" else frozenset[int]()
    return build_witness([KnownFact(band.read, 0 if is_per_gpu else None, value)], int(is_per_gpu), (), owned)
