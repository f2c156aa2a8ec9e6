"""GPR607: a rule that starts and stops over and over again in a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, judged_rules
from gpurules.model import format_duration

ABOUT = Code(
    code="GPR607",
    name="flaps-in-history",
    severity=Severity.INFO,
    kind="history",
    summary="a rule that flaps in a recording",
    needs=Need.HISTORY,
    form=Form.WORDS,
    avoid="`gpu_utilization > 50` alone, and `gpurules lint --history node.jsonl` with a recording of bursts.",
    prefer="The same with `for: 30s` and `until: gpu_utilization < 30`.",
    why="Over the recording the rule, including its timers, changed between TRUE and FALSE more than 12 "
    "times an hour: its actions are reverted before they take effect. Less than an hour counts as "
    "one. Snapshots in which it is UNKNOWN do not count as changes.",
)

MOST_AN_HOUR = 12
"""A rule that changes more often flaps: more than once in five minutes."""


class FlapsInHistory:
    """A rule that changes between TRUE and FALSE more than 12 times an hour."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            hours = max(1.0, track.seconds / 3600)
            if track.transitions > MOST_AN_HOUR * hours:
                message = f"{describe_judged(one, track)} flaps: {track.transitions:,} transitions in "
                message += format_duration(track.seconds)
                yield at_condition(ABOUT.code, one, message, "dampen it with for, until with a gap, or keep_for")
