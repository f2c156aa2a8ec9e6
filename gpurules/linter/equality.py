"""Whether a fix leaves a condition as it is: proved for every moment, missing facts included, or not claimed."""

from gpurules.diagnostics import CATALOGUE, Severity
from gpurules.language import Environment, ir, parse
from gpurules.model import Kind
from gpurules.proofs.claims import Claim, Stated, Want, truth
from gpurules.proofs.prover import Impossible, Possible, Prover
from gpurules.rules.expression import Placed

_KINDS = ((Want.TRUE, Want.NOT_TRUE), (Want.FALSE, Want.NOT_FALSE))


def is_equal(one: ir.Term, other: ir.Term) -> bool:
    """Return whether it is proved that two conditions have the same truth on whatever facts, UNKNOWN included."""
    if one == other:
        return True
    if ir.is_per_gpu(one) is not ir.is_per_gpu(other):
        return False
    first, second = Stated(one), Stated(other)
    prover = Prover([first, second])
    for here, there in ((first, second), (second, first)):
        for want, otherwise in _KINDS:
            claims = [Claim(here, want, on_one=True), Claim(there, otherwise, on_one=True)]
            if not isinstance(prover.ask(claims), Impossible):
                return False
    return _agree(prover, first, second)


def _agree(prover: Prover, one: Stated, other: Stated) -> bool:
    """Return whether the evaluator gives both the same truth where the first is TRUE, FALSE and UNKNOWN."""
    for want in (Want.TRUE, Want.FALSE, Want.UNKNOWN):
        found = prover.ask([Claim(one, want, on_one=True)])
        if isinstance(found, Possible) and not want.fits(truth(other, found.witness.facts, on_one=True)):
            return False
    return True


def keeps(placed: Placed, text: str, environment: Environment | None) -> bool:
    """Return whether it is proved that *text* in the place of an expression leaves its meaning as it is."""
    before, parsed = placed.checked.term, parse(text)
    if parsed.tree is None or parsed.findings or environment is None or before.datatype.kind is Kind.ERROR:
        return False
    wants_condition = before.datatype.kind is Kind.BOOL
    after = environment.condition(parsed) if wants_condition else environment.expression(parsed)
    if any(CATALOGUE[finding.code].severity is Severity.ERROR for finding in after.findings):
        return False
    return is_equal(before, after.term) if wants_condition else before == after.term
