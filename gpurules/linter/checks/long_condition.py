"""GPR703: a condition of very many parts."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Span
from gpurules.language import nodes
from gpurules.linter.check import Subject, make_finding

MOST_PARTS = 8
_JOINTS = (nodes.And, nodes.Or, nodes.Not, nodes.Group)


class LongCondition:
    """A condition of more than eight comparisons.

    **Avoid.** Ten comparisons in one condition.
    **Prefer.** Parts with a name under ``define``.
    **Why.** A part with a name says what it is for, and can be explained and tested on its own.
    """

    code = "GPR703"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed:
            tree = placed.expression.parsed.tree
            if tree is None or isinstance(tree, nodes.ListLiteral):
                continue
            parts = _parts(tree)
            if parts > MOST_PARTS:
                message = f"the condition has {parts} parts"
                yield make_finding(
                    self.code, placed, Span(tree.span.start, tree.span.end), message, "name some under define"
                )


def _parts(tree: nodes.Expr) -> int:
    count, stack = 0, list[nodes.Definition]([tree])
    while stack:
        node = stack.pop()
        if isinstance(node, _JOINTS):
            stack.extend(nodes.children(node))
        else:
            count += 1
    return count
