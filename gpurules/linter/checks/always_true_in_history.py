"""GPR210: a rule that matches nearly all the time over a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, format_samples, judged_rules

ALWAYS = 0.99
"""The share of the snapshots from which on a rule counts as always TRUE."""


class AlwaysTrueInHistory:
    """A rule that is TRUE in at least 99 % of the recorded samples.

    **Avoid.** ``gpu_memory > 10`` on a node whose GPUs always hold a model.
    **Prefer.** A threshold that tells the moments that matter from the others.
    **Why.** A rule that always matches is a setting, and hides that nobody decides.
    """

    code = "GPR210"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            if track.true >= ALWAYS * track.told:
                hint = "look whether the threshold tells anything apart on this node"
                yield at_condition(
                    self.code, one, f"{describe_judged(one, track)} is TRUE in {format_samples(track)}", hint
                )
