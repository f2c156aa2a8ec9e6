"""GPR706: the same part in three or more rules."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic
from gpurules.language.printer import show
from gpurules.linter.check import Subject, make_finding
from gpurules.linter.reports.extraction import MANY, Place, extract_definition, free_name, repeated_parts


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
            name = free_name(subject, text)
            message = f"{text} stands in {len(uses)} rules"
            problem = make_finding(self.code, placed, node.span, message, f"name it: define: {{{name}: {text}}}")
            edits = extract_definition(subject, text, name, [Place(where, part.span) for where, part in uses])
            yield replace(problem, edits=edits, safe=True)  # a name means what it is defined as, and nothing else
