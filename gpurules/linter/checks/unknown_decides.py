"""GPR207: a rule that matches because a fact is missing, by a default that stands for it."""

from collections.abc import Iterator, Mapping

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import rebuilt
from gpurules.language.terms.printer import spell
from gpurules.linter.check import Subject, at_part, whole
from gpurules.linter.meaning.analysis import Examined, example
from gpurules.proofs import ExpectedTruth, Prover, Sat, ScopedCondition, SignalLike, TruthClaim, minimize_witness

ABOUT = Code(
    code="GPR207",
    name="unknown-decides",
    severity=Severity.WARNING,
    kind="meaning",
    summary="a default for a missing fact alone makes a rule match",
    needs=Need.ANALYSIS,
    form=Form.CONDITION,
    avoid="coalesce(gpu_ecc_errors, 1) > 0",
    prefer="gpu_ecc_errors > 0 OR gpu_ecc_errors IS MISSING",
    why="Many GPUs never report the fact. The default makes the rule match there permanently, which is "
    "not obvious from the condition. `IS MISSING` is explicit, and is not reported; neither is a "
    "string default such as `'unknown'`, which names the missing value.",
)


class UnknownDecides:
    """A default for a missing fact is what makes a rule match."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        signals = subject.ruleset.signals if subject.ruleset else {}
        for one in subject.analysis.examined if subject.analysis else ():
            parts = list(ir.walk(one.condition.term)) if one.rule else []
            if any(isinstance(part, ir.IsMissing) for part in parts):
                continue
            defaults = [part for part in parts if _default(part) is not None]
            if defaults and (found := _shown(one, signals)) is not None:
                yield self._found(one, defaults[0], found)

    def _found(self, one: Examined, default: ir.Term, found: Sat) -> Diagnostic:
        assert one.rule is not None and isinstance(default, ir.Apply)
        field, value = spell(default.arguments[0]), spell(default.arguments[-1])
        return at_part(
            ABOUT.code,
            one.placed,
            whole(one.placed),
            f"`{one.rule.name}` matches where {field} is missing, because it then defaults to {value}",
            hint=f"remove the default, or state it explicitly: `OR {field} IS MISSING`",
            witness=str(found.witness),
            example=example(found, (one.rule.name, "match")),
        )


def _default(term: ir.Term) -> ir.Constant | None:
    """Return what *term* is where what it reads is missing, None where it has no default that pretends to be a fact.

    A text is a name for what is not known, such as ``'unknown'``, and pretends nothing.
    """
    if isinstance(term, ir.Apply) and term.function == "coalesce" and len(term.arguments) > 1:
        last = term.arguments[-1]
        return last if isinstance(last, ir.Constant) and not isinstance(last.value, str) else None
    return None


def _without(term: ir.Term) -> ir.Term:
    """Return *term* without its defaults."""
    if isinstance(term, ir.Apply) and _default(term) is not None:
        kept = tuple(_without(argument) for argument in term.arguments[:-1])
        return kept[0] if len(kept) == 1 else ir.Apply(term.function, kept, term.datatype)
    return rebuilt(term, _without)


def _shown(one: Examined, signals: Mapping[str, SignalLike]) -> Sat | None:
    """Return an assignment in which the condition is TRUE, and without its defaults is not."""
    plain = ScopedCondition(_without(one.condition.term), one.condition.gpus)
    claims = [
        TruthClaim(one.condition, ExpectedTruth.TRUE, on_one=True),
        TruthClaim(plain, ExpectedTruth.NOT_TRUE, on_one=True),
    ]
    found = Prover([one.condition, plain], signals).ask(claims)
    return Sat(minimize_witness(found.witness, claims, signals)) if isinstance(found, Sat) else None
