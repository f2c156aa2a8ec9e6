"""GPR703: a condition of very many parts."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity, Span
from gpurules.language.syntax import nodes
from gpurules.linter.check import Subject, make_finding

ABOUT = Code(
    code="GPR703",
    name="long-condition",
    severity=Severity.INFO,
    kind="style",
    summary="a condition with too many parts",
    form=Form.CONDITION,
    avoid="""\
gpu_memory > 90 AND gpu_power > 300W AND gpu_temperature > 80 AND gpu_utilization > 50
AND gpu_count > 1 AND transfer_size > 1GiB AND gpu_throttled AND active_training AND file_type == 'model'""",
    prefer="gpu_memory > 90 AND gpu_power > 300W AND gpu_temperature > 80 AND file_type == 'model'",
    why="Named parts, under `define`, say what they are for, and can be explained and tested on their own.",
)

MOST_PARTS = 8
_JOINTS = (nodes.And, nodes.Or, nodes.Not, nodes.Group)


class LongCondition:
    """A condition of more than eight comparisons."""

    about = ABOUT

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
                    ABOUT.code, placed, Span(tree.span.start, tree.span.end), message, "name some under define"
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
