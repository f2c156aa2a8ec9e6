"""GPR307: two overlapping rules whose order in the file decides."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import ConflictKind, example
from gpurules.linter.meaning.conflicts import conflicts
from gpurules.linter.reports.rule_pairs import at_rules

ABOUT = Code(
    code="GPR307",
    name="equal-priority-overlap",
    severity=Severity.WARNING,
    kind="between-rules",
    summary="two overlapping rules whose order in the file decides",
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: models, condition: file_type == 'model', action: stage_transfer, parameters: {staging_area: /nvme/a}}
- {name: large, condition: transfer_size > 1GiB, action: stage_transfer, parameters: {staging_area: /nvme/b}}""",
    prefer="""\
- name: models
  condition: file_type == 'model'
  action: stage_transfer
  parameters: {staging_area: /nvme/a}
  priority: 10
- {name: large, condition: transfer_size > 1GiB, action: stage_transfer, parameters: {staging_area: /nvme/b}}""",
    why="Both rules can match at once, their priorities are equal, and the action uses the first. So the "
    "order of the rules in the file decides, and moving one changes what the node does.",
)


class EqualPriorityOverlap:
    """Two rules of one priority that can match at once, where the order in the file decides what comes of it."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for conflict in conflicts(analysis, ConflictKind.ORDER) if analysis else ():
            one, other = conflict.rule.rule.name, conflict.others[0].rule.name
            message = f"`{other}` and `{one}` can match at once, and {conflict.actions[1]} then depends on their order"
            yield at_rules(
                ABOUT.code,
                conflict.rule,
                conflict.others,
                f"{message} in the file",
                hint="give one a higher priority",
                witness=str(conflict.found.witness),
                example=example(conflict.found, (other, "match"), (one, "match")),
            )
