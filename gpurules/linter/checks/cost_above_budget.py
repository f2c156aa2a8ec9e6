"""GPR211: a condition that compares with very many values."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.language import ir
from gpurules.linter.check import Subject, make_finding, whole
from gpurules.model import Kind
from gpurules.rules.building import Placed

BUDGET = 256
"""With how many values a condition may compare."""


class CostAboveBudget:
    """A condition that compares with more than 256 values, those of its definitions and lists included.

    **Avoid.** ``workload_id IN`` a list of 500 names.
    **Prefer.** A field that says what the names have in common, or ``GLOB`` with a pattern of theirs.
    **Why.** All that reads a condition goes through each of its values; a list of that length is a table.
    """

    code = "GPR211"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        costs = {
            placed.name: cost(placed.checked.term)
            for placed in subject.placed
            if placed.name and placed.expression.parsed.tree is not None
        }
        for placed in subject.placed:
            if placed.checked.term.datatype.kind is not Kind.BOOL or placed.expression.parsed.tree is None:
                continue
            work = cost(placed.checked.term)
            if work > BUDGET and not _is_told(placed, costs):
                message = f"the condition compares with {work:,} values, the budget is {BUDGET}"
                hint = "compare with what the values have in common, or split the rule"
                yield make_finding(self.code, placed, whole(placed), message, hint)


def cost(term: ir.Term) -> int:
    """Return how many values *term* compares with at most: one a comparison, and one for each item of a list."""
    count = 0
    for part in ir.walk(term):
        match part:
            case ir.Compare(comparators):
                count += len(comparators)
            case ir.Member(_, members):
                count += len(members)
            case ir.TextTest() | ir.IsMissing():
                count += 1
    return count


def _is_told(placed: Placed, costs: dict[str, int]) -> bool:
    """Return whether a definition that *placed* uses is itself above the budget."""
    return any(name != placed.name and costs.get(name, 0) > BUDGET for name in placed.checked.used)
