"""Claims: what a question says of conditions, and whether a witness bears it out on the real evaluator."""

from enum import StrEnum

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import over_gpus
from gpurules.language.terms import ir
from gpurules.model import Truth
from gpurules.proofs.formulas.encoding import Encoder
from gpurules.proofs.formulas.formula import DualRail, Formula, negation
from gpurules.records import Record, record


class ExpectedTruth(StrEnum):
    """What a condition is claimed to be."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"
    NOT_TRUE = "not TRUE"
    NOT_FALSE = "not FALSE"

    def of(self, rails: DualRail) -> Formula:
        """Return the formula that holds where a condition with *rails* is as claimed."""
        match self:
            case ExpectedTruth.TRUE:
                return rails.true
            case ExpectedTruth.FALSE:
                return rails.false
            case ExpectedTruth.UNKNOWN:
                return rails.unknown
            case ExpectedTruth.NOT_TRUE:
                return negation(rails.true)
            case ExpectedTruth.NOT_FALSE:
                return negation(rails.false)

    def fits(self, truth: Truth) -> bool:
        """Return whether *truth* is as claimed."""
        match self:
            case ExpectedTruth.TRUE:
                return truth is True
            case ExpectedTruth.FALSE:
                return truth is False
            case ExpectedTruth.UNKNOWN:
                return truth is None
            case ExpectedTruth.NOT_TRUE:
                return truth is not True
            case ExpectedTruth.NOT_FALSE:
                return truth is not False


@record
class ScopedCondition(Record):
    """A condition, and which GPUs it sees: those of the node, or of the transfer's workload."""

    term: ir.Term
    gpus: str = "node"


@record
class TruthClaim(Record):
    """A condition is as wanted: as a rule's condition, or (``on_one``) on the one GPU that the question is about."""

    condition: ScopedCondition
    expected: ExpectedTruth
    on_one: bool = False

    def formula(self, encoder: Encoder) -> Formula:
        """Return the claim as a formula."""
        term = self.condition.term
        if self.on_one:
            return self.expected.of(encoder.on_one(term))
        if self.expected in (
            ExpectedTruth.TRUE,
            ExpectedTruth.NOT_TRUE,
        ):  # when it is FALSE takes longer to say, and is not asked for
            true = encoder.matches(term)
            return true if self.expected is ExpectedTruth.TRUE else negation(true)
        return self.expected.of(encoder.whole(term))

    def holds(self, facts: Facts) -> bool:
        """Return whether the real evaluator agrees on *facts*; ``on_one`` is about the first GPU."""
        return self.expected.fits(evaluate(self.condition, facts, self.on_one))


def evaluate(condition: ScopedCondition, facts: Facts, on_one: bool = False) -> Truth:
    """Return what the real evaluator makes of a condition: of the node, or of the first GPU."""
    term, first = condition.term, facts.gpus[0] if facts.gpus else None
    if condition.gpus == "workload":
        facts = facts.in_scope(facts.workload.gpu_devices)
    if not ir.is_per_gpu(term):
        return value_of(term, facts, None)  # type: ignore[return-value]
    if on_one:
        return value_of(term, facts, 0) if facts.gpus and facts.gpus[0] is first else None  # type: ignore[return-value]
    return over_gpus([value_of(term, facts, place) for place in range(len(facts.gpus))], facts.gpus).value


def is_true(condition: ScopedCondition) -> TruthClaim:
    """Return the claim that a condition is TRUE."""
    return TruthClaim(condition, ExpectedTruth.TRUE)


def is_not_true(condition: ScopedCondition) -> TruthClaim:
    """Return the claim that a condition is FALSE or UNKNOWN."""
    return TruthClaim(condition, ExpectedTruth.NOT_TRUE)
