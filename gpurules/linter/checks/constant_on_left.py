"""GPR702: a comparison that starts with the constant."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.language.syntax import nodes
from gpurules.language.terms.printer import show
from gpurules.linter.check import Subject, proved_fix, replacing

ABOUT = Code(
    code="GPR702",
    name="constant-on-left",
    severity=Severity.INFO,
    kind="style",
    summary="a comparison that starts with the constant",
    fix=Fix.SAFE,
    form=Form.CONDITION,
    avoid="80 < gpu_memory",
    prefer="gpu_memory > 80",
    why="The subject of a comparison comes first, so that similar conditions look similar. Chains such as "
    "`60 < gpu_memory < 90` are fine.",
)

_CONSTANTS = (nodes.Quantity, nodes.Text, nodes.Boolean)


class ConstantOnLeft:
    """A comparison that starts with the constant."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for placed in subject.placed:
            tree = placed.expression.parsed.tree
            stack: list[nodes.Definition] = [] if tree is None else [tree]
            while stack:
                node = stack.pop()
                stack.extend(nodes.children(node))
                if not isinstance(node, nodes.Compare) or len(node.rest) != 1:
                    continue
                (comparator, right) = node.rest[0]
                if isinstance(node.first, _CONSTANTS) and not isinstance(right, _CONSTANTS):
                    better = f"{show(right)} {comparator.mirrored.value} {show(node.first)}"
                    message = "the comparison starts with the constant"
                    edits = replacing(node.span, better)
                    yield proved_fix(
                        Finding(ABOUT.code, node.span, message, f"write {better}", edits, True), placed, subject
                    )
