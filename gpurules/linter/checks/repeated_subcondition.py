"""GPR706: the same part in three or more rules."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.language.printer import show
from gpurules.linter.check import Subject, found
from gpurules.linter.repetition import MANY, repeated_parts


class RepeatedSubcondition:
    """The same part in three or more rules.

    **Avoid.** ``gpu_memory > 80`` in five rules.
    **Prefer.** ``define: {full: gpu_memory > 80}``, and ``full`` in the rules.
    **Why.** Whoever changes one of them has to find the others.
    """

    code = "GPR706"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for part, uses in repeated_parts(subject).items():
            placed, node = uses[MANY - 1]
            text = show(part)
            message = f"{text} stands in {len(uses)} rules"
            yield found(self.code, placed, node.span, message, f"name it: define: {{…: {text}}}")
