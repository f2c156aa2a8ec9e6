"""GPR204: a condition that can be said shorter."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.language import nodes
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.rewriting.simplification import simplify


class Simplifiable:
    """A condition with an equivalent shorter form.

    **Avoid.** ``NOT (transfer_size <= 1GiB)``; ``file_type == 'model' OR file_type == 'tensor'``.
    **Prefer.** ``transfer_size > 1GiB``; ``file_type IN ('model', 'tensor')``.
    **Why.** What is short is read right.
    """

    code = "GPR204"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed if subject.ruleset else ():
            tree = placed.expression.parsed.tree
            stack: list[nodes.Definition] = [] if tree is None else [tree]
            while stack:
                node = stack.pop()
                better = simplify(node)
                if better is not None:
                    finding = Finding(
                        self.code, node.span, "this can be said shorter", f"write {better}",
                        replacing(node.span, better), True,
                    )  # fmt: skip
                    found = proved_fix(finding, placed, subject)
                    if found.safe:
                        yield found
                        continue
                stack.extend(nodes.children(node))
