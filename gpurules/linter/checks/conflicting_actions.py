"""GPR306: two rules that can order opposite things at once."""

from collections.abc import Iterator

from gpurules.actions.interactions import excludes
from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import ActiveRule, Analysis, Conflict, ConflictKind, example
from gpurules.linter.meaning.conflicts import conflicts
from gpurules.linter.meaning.narrowing import narrower
from gpurules.linter.reports.rule_pairs import at_rules, join_words

ABOUT = Code(
    code="GPR306",
    name="conflicting-actions",
    severity=Severity.ERROR,
    kind="between-rules",
    summary="two rules that can apply opposite actions at once",
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: boost_models, condition: file_type == 'model', action: increase_priority, parameters: {priority_boost: 50}}
- {name: hold_hot, condition: gpu_temperature > 85, action: pause_transfer}""",
    prefer="""\
- {name: hold_hot, condition: gpu_temperature > 85, action: pause_transfer, priority: 10}
- {name: boost_models, condition: file_type == 'model', action: increase_priority, parameters: {priority_boost: 50}}""",
    why="The actions declare that they exclude each other: one speeds the transfer up, the other holds "
    "it. If the priorities differ, the higher one is meant to win; if they are equal, nothing says "
    "which. The witness is a situation in which both match.",
)


class ConflictingActions:
    """Two rules of one priority that can match at once, with actions that exclude each other."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is None:
            return
        for one in analysis.active_rules:
            yield from self._within(one)
        for conflict in conflicts(analysis, ConflictKind.EXCLUDES):
            yield self._found(conflict, analysis)

    def _within(self, one: ActiveRule) -> Iterator[Diagnostic]:
        """Yield what a rule orders against itself."""
        actions = one.rule.actions
        for i, first in enumerate(actions):
            for second in actions[i + 1 :]:
                if excludes(first.action, second.action):
                    message = f"`{one.rule.name}` applies both {first.name} and {second.name}, which exclude each other"
                    yield at_rules(ABOUT.code, one, (), message, hint="keep one of them")

    def _found(self, conflict: Conflict, analysis: Analysis) -> Diagnostic:
        one, other = conflict.rule, conflict.others[0]
        names = join_words(f"`{rule.rule.name}`" for rule in (*conflict.others, one))
        message = f"{names} can act on one transfer at once, and {conflict.actions[0]} and {conflict.actions[1]}"
        hint = "give one a higher priority"
        more = narrower(one, other, analysis)
        return at_rules(
            ABOUT.code,
            one,
            conflict.others,
            f"{message} exclude each other",
            hint=f"{hint}, or add `AND {more}` to `{one.rule.name}`" if more else hint,
            witness=str(conflict.found.witness),
            example=example(conflict.found, (other.rule.name, "match"), (one.rule.name, "match")),
        )
