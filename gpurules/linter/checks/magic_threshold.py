"""GPR707: the same threshold in three or more rules."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.linter.check import Subject, make_finding
from gpurules.linter.conditions.comparisons import Comparison
from gpurules.linter.reports.extraction import MANY, Place, extract_definition, free_name, repeated_parts
from gpurules.model import Kind

ABOUT = Code(
    code="GPR707",
    name="magic-threshold",
    severity=Severity.INFO,
    kind="style",
    summary="the same threshold in three or more rules",
    fix=Fix.UNSAFE,
    form=Form.RULE,
    avoid="""\
- {name: one, condition: gpu_memory > 80, action: pause_transfer, priority: 0}
- {name: two, condition: gpu_memory <= 80, action: pause_transfer, priority: 1}
- {name: three, condition: gpu_memory >= 80, action: pause_transfer, priority: 2}""",
    prefer="""\
- {name: one, condition: gpu_memory > 80, action: pause_transfer, priority: 0}
- {name: two, condition: gpu_memory <= 70, action: pause_transfer, priority: 1}
- {name: three, condition: gpu_temperature >= 90, action: pause_transfer, priority: 2}""",
    why="A number that is repeated many times will one day be changed in all places but one. An input has "
    "a name and a description, and can be set by extending rulesets.",
)


class MagicThreshold:
    """The same threshold in three or more rules, in comparisons that differ."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        # a part that is repeated as a whole is GPR706
        repeated = {(id(placed), node.span) for uses in repeated_parts(subject).values() for placed, node in uses}
        places: dict[tuple[str, object], dict[str, Comparison]] = {}
        for one in subject.comparisons:
            rule = one.placed.rule
            if rule is None or one.field.datatype.kind is not Kind.NUMBER:
                continue
            inside = any(
                whole == id(one.placed) and span.start <= one.constant.span.start < span.end for whole, span in repeated
            )
            if not inside:
                places.setdefault((one.field.name, one.constant.value), {}).setdefault(rule, one)
        for (name, _), uses in places.items():
            if len(uses) >= MANY:
                last = list(uses.values())[MANY - 1]
                message = f"{len(uses)} rules compare {name} with {last.constant.spelling}"
                problem = make_finding(
                    ABOUT.code, last.placed, last.constant.span, message, "make it an input, or give it a name"
                )
                threshold = free_name(subject, f"{name} threshold")
                spots = [Place(one.placed, one.constant.span) for one in uses.values()]
                yield replace(problem, edits=extract_definition(subject, last.constant.spelling, threshold, spots))
