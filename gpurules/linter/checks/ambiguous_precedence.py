"""GPR005: AND and OR without parentheses, and NOT over a comparison of each GPU."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Edit, Finding, Fix, Form, Severity, Span
from gpurules.fields import FIELDS
from gpurules.language import Checked, Parsed
from gpurules.language.syntax import nodes
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.language.terms.printer import show
from gpurules.linter.check import Subject, make_finding, proved_fix

ABOUT = Code(
    code="GPR005",
    name="ambiguous-precedence",
    severity=Severity.WARNING,
    kind="precedence",
    summary="AND and OR mixed without parentheses, or NOT over a per-GPU comparison",
    fix=Fix.SAFE,
    form=Form.CONDITION,
    avoid="gpu_throttled OR gpu_memory > 90 AND gpu_utilization > 95",
    prefer="gpu_throttled OR (gpu_memory > 90 AND gpu_utilization > 95)",
    why="AND binds tighter than OR, which not every reader knows. NOT over a comparison of a per-GPU "
    "field means that the comparison is false for some GPU, when often `NOT any(…)` or `all(…)` was "
    "meant.",
)


class AmbiguousPrecedence:
    """AND and OR mixed without parentheses, or NOT before a comparison of a per-GPU field."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed:
            for part in placed.once(_mixed):
                edits = (
                    Edit(Span(part.span.start, part.span.start), "("),
                    Edit(Span(part.span.end, part.span.end), ")"),
                )
                message = "AND and OR are mixed without parentheses; AND binds tighter"
                yield proved_fix(
                    Finding(ABOUT.code, part.span, message, f"write ({show(part)})", edits, True), placed, subject
                )
            for node, inner in placed.once(_negated):
                text = show(inner)
                message = "NOT over a per-GPU comparison means that it is false for SOME GPU"
                hint = f"write NOT any({text}) to mean no GPU, or NOT all({text}) to mean some GPU"
                yield make_finding(ABOUT.code, placed, node.span, message, hint)


def _tree(parsed: Parsed) -> list[nodes.Definition]:
    """Return the tree of a text, none where that is a list or wrong."""
    return [] if parsed.tree is None or isinstance(parsed.tree, nodes.ListLiteral) else [parsed.tree]


def _mixed(parsed: Parsed, _: Checked) -> list[nodes.And]:
    """Return each AND that is written without parentheses in an OR."""
    found: list[nodes.And] = []
    stack = _tree(parsed)
    while stack:
        node = stack.pop()
        stack.extend(nodes.children(node))
        if isinstance(node, nodes.Or):
            found += [part for part in node.parts if isinstance(part, nodes.And)]
    return found


def _negated(parsed: Parsed, _: Checked) -> list[tuple[nodes.Not, nodes.Compare | nodes.Between]]:
    """Return each NOT over a comparison of a field of each GPU, and the comparison."""
    found: list[tuple[nodes.Not, nodes.Compare | nodes.Between]] = []
    stack = _tree(parsed)
    while stack:
        node = stack.pop()
        if isinstance(node, nodes.Call) and _is_aggregate(node):
            continue
        stack.extend(nodes.children(node))
        if isinstance(node, nodes.Not):
            inner = node.operand.inner if isinstance(node.operand, nodes.Group) else node.operand
            if isinstance(inner, nodes.Compare | nodes.Between) and _is_per_gpu(inner):
                found.append((node, inner))
    return found


def _is_aggregate(node: nodes.Call) -> bool:
    function = FUNCTIONS.get(node.function.name)
    return function is not None and function.is_aggregate


def _is_per_gpu(node: nodes.Expr) -> bool:
    stack: list[nodes.Definition] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, nodes.Call) and _is_aggregate(current):
            continue
        if isinstance(current, nodes.Name) and current.name in FIELDS and FIELDS[current.name].is_per_gpu:
            return True
        stack.extend(nodes.children(current))
    return False
