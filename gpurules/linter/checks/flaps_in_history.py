"""GPR607: a rule that starts and stops over and over again in a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, judged_rules
from gpurules.model import format_duration

MOST_AN_HOUR = 12
"""A rule that changes more often flaps: more than once in five minutes."""


class FlapsInHistory:
    """A rule that changes between TRUE and FALSE more than 12 times an hour.

    **Avoid.** ``gpu_utilization > 50`` on a node that computes in bursts.
    **Prefer.** The same with ``for: 30s`` and ``until: gpu_utilization < 30``.
    **Why.** What it orders is taken back before it works, and each start is told to people and logs.
    """

    code = "GPR607"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            hours = max(1.0, track.seconds / 3600)
            if track.transitions > MOST_AN_HOUR * hours:
                message = f"{describe_judged(one, track)} flaps: {track.transitions:,} transitions in "
                message += format_duration(track.seconds)
                yield at_condition(self.code, one, message, "damp it: for, until with a gap, or keep_for")
