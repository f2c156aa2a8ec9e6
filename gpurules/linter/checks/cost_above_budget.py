"""GPR211: a condition that compares with very many values."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.language import Checked, Parsed
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, make_finding, whole
from gpurules.model import Kind
from gpurules.rules.building import Placed

ABOUT = Code(
    code="GPR211",
    name="cost-above-budget",
    severity=Severity.WARNING,
    kind="cost",
    summary="a condition that compares with too many values",
    form=Form.WORDS,
    avoid="`workload_id IN ('w1', 'w2', …)` with 500 names.",
    prefer="`workload_id GLOB 'batch-*'`, or another field that expresses what the names have in common.",
    why="A condition may compare with up to 256 values: one for each comparison and each list item, "
    "including those of its definitions. The evaluator finds a constant in a list in constant time, "
    "but loading, explaining and semantic analysis process every item, and so does every reader.",
)

BUDGET = 256
"""With how many values a condition may compare."""


class CostAboveBudget:
    """A condition that compares with more than 256 values, those of its definitions and lists included."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        costs = {
            placed.name: placed.once(_cost)
            for placed in subject.placed
            if placed.name and placed.expression.parsed.tree is not None
        }
        for placed in subject.placed:
            if placed.checked.term.datatype.kind is not Kind.BOOL or placed.expression.parsed.tree is None:
                continue
            work = placed.once(_cost)
            if work > BUDGET and not _is_reported_elsewhere(placed, costs):
                message = f"the condition compares with {work:,} values; the limit is {BUDGET}"
                hint = "compare with a common property of the values, or split the rule"
                yield make_finding(ABOUT.code, placed, whole(placed), message, hint)


def _cost(_: Parsed, checked: Checked) -> int:
    """Return how many values a text compares with at most: one a comparison, and one for each item of a list."""
    count = 0
    for part in ir.walk(checked.term):
        match part:
            case ir.Compare(comparators):
                count += len(comparators)
            case ir.Member(_, members):
                count += len(members)
            case ir.TextTest() | ir.IsMissing():
                count += 1
            case _:
                pass
    return count


def _is_reported_elsewhere(placed: Placed, costs: dict[str, int]) -> bool:
    """Return whether a definition that *placed* uses is itself above the budget."""
    return any(name != placed.name and costs.get(name, 0) > BUDGET for name in placed.checked.used)
