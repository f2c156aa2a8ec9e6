"""GPR706: the same part in three or more rules."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.language.terms.printer import show
from gpurules.linter.check import Subject, make_finding
from gpurules.linter.reports.extraction import MANY, Place, extract_definition, free_name, repeated_parts

ABOUT = Code(
    code="GPR706",
    name="repeated-subcondition",
    severity=Severity.INFO,
    kind="style",
    summary="the same part in three or more rules",
    fix=Fix.SAFE,
    form=Form.RULE,
    avoid="""\
- {name: one, condition: gpu_memory > 80 AND active_training, action: pause_transfer, priority: 0}
- {name: two, condition: gpu_memory > 80 AND gpu_throttled, action: pause_transfer, priority: 1}
- {name: three, condition: gpu_memory > 80, action: pause_transfer, priority: 2}""",
    prefer="""\
- {name: one, condition: gpu_memory > 80 AND active_training, action: pause_transfer, priority: 0}
- {name: two, condition: gpu_memory > 90 AND gpu_throttled, action: pause_transfer, priority: 1}
- {name: three, condition: gpu_memory > 95, action: pause_transfer, priority: 2}""",
    why="Someone who changes one of the copies has to find the others. A name under `define` has one place.",
)


class RepeatedSubcondition:
    """The same part in three or more rules."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for part, uses in repeated_parts(subject).items():
            placed, node = uses[MANY - 1]
            text = show(part)
            name = free_name(subject, text)
            message = f"{text} occurs in {len(uses)} rules"
            problem = make_finding(ABOUT.code, placed, node.span, message, f"name it: define: {{{name}: {text}}}")
            edits = extract_definition(subject, text, name, [Place(where, part.span) for where, part in uses])
            yield replace(problem, edits=edits, safe=True)  # a name means what it is defined as, and nothing else
