"""Claims: what a question says of conditions, and whether a witness bears it out on the real evaluator."""

from enum import StrEnum

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import over_gpus
from gpurules.language import ir
from gpurules.model import Truth
from gpurules.proofs.encoding import Encoder
from gpurules.proofs.formula import Formula, Rails, negated
from gpurules.records import Record, record


class Want(StrEnum):
    """What a condition is claimed to be."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"
    NOT_TRUE = "not TRUE"
    NOT_FALSE = "not FALSE"

    def of(self, rails: Rails) -> Formula:
        """Return the formula that holds where a condition with *rails* is as claimed."""
        match self:
            case Want.TRUE:
                return rails.true
            case Want.FALSE:
                return rails.false
            case Want.UNKNOWN:
                return rails.unknown
            case Want.NOT_TRUE:
                return negated(rails.true)
            case Want.NOT_FALSE:
                return negated(rails.false)

    def fits(self, truth: Truth) -> bool:
        """Return whether *truth* is as claimed."""
        match self:
            case Want.TRUE:
                return truth is True
            case Want.FALSE:
                return truth is False
            case Want.UNKNOWN:
                return truth is None
            case Want.NOT_TRUE:
                return truth is not True
            case Want.NOT_FALSE:
                return truth is not False


@record
class Stated(Record):
    """A condition, and which GPUs it sees: those of the node, or of the transfer's workload."""

    term: ir.Term
    gpus: str = "node"


@record
class Claim(Record):
    """A condition is as wanted: as a rule's condition, or (``on_one``) on the one GPU that the question is about."""

    stated: Stated
    want: Want
    on_one: bool = False

    def formula(self, encoder: Encoder) -> Formula:
        """Return the claim as a formula."""
        term = self.stated.term
        if self.on_one:
            return self.want.of(encoder.on_one(term))
        if self.want in (Want.TRUE, Want.NOT_TRUE):  # when it is FALSE takes longer to say, and is not asked for
            true = encoder.matches(term)
            return true if self.want is Want.TRUE else negated(true)
        return self.want.of(encoder.whole(term))

    def holds(self, facts: Facts) -> bool:
        """Return whether the real evaluator agrees on *facts*; ``on_one`` is about the first GPU."""
        return self.want.fits(truth(self.stated, facts, self.on_one))


def truth(stated: Stated, facts: Facts, on_one: bool = False) -> Truth:
    """Return what the real evaluator makes of a condition: of the node, or of the first GPU."""
    term, first = stated.term, facts.gpus[0] if facts.gpus else None
    if stated.gpus == "workload":
        facts = facts.scoped(facts.workload.gpu_devices)
    if not ir.is_per_gpu(term):
        return value_of(term, facts, None)  # type: ignore[return-value]
    if on_one:
        return value_of(term, facts, 0) if facts.gpus and facts.gpus[0] is first else None  # type: ignore[return-value]
    return over_gpus([value_of(term, facts, place) for place in range(len(facts.gpus))], facts.gpus).value


def is_true(stated: Stated) -> Claim:
    """Return the claim that a condition is TRUE."""
    return Claim(stated, Want.TRUE)


def is_not_true(stated: Stated) -> Claim:
    """Return the claim that a condition is FALSE or UNKNOWN."""
    return Claim(stated, Want.NOT_TRUE)
