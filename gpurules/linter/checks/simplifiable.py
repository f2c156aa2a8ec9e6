"""GPR204: a condition that can be said shorter."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.language import Checked, Parsed
from gpurules.language.syntax import nodes
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.rewriting.simplification import simplify

ABOUT = Code(
    code="GPR204",
    name="simplifiable",
    severity=Severity.INFO,
    kind="meaning",
    summary="a condition with an equivalent shorter form",
    fix=Fix.SAFE,
    form=Form.CONDITION,
    avoid="NOT (transfer_size <= 1GiB)",
    prefer="transfer_size > 1GiB",
    why="Shorter conditions are easier to read correctly. The shorter form is proved equivalent, "
    "including for missing facts.",
)


class Simplifiable:
    """A condition with an equivalent shorter form."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed if subject.ruleset else ():
            tree = placed.expression.parsed.tree
            stack: list[nodes.Definition] = [] if tree is None or not placed.once(_has_shorter_form) else [tree]
            while stack:
                node = stack.pop()
                better = simplify(node)
                if better is not None:
                    finding = Finding(
                        ABOUT.code, node.span, "this can be simplified", f"write {better}",
                        replacing(node.span, better), True,
                    )  # fmt: skip
                    found = proved_fix(finding, placed, subject)
                    if found.safe:
                        yield found
                        continue
                stack.extend(nodes.children(node))


def _has_shorter_form(parsed: Parsed, _: Checked) -> bool:
    """Return whether a text, or a part of it, has a shorter form, be it equivalent or not."""
    stack: list[nodes.Definition] = [] if parsed.tree is None else [parsed.tree]
    while stack:
        node = stack.pop()
        if simplify(node) is not None:
            return True
        stack.extend(nodes.children(node))
    return False
