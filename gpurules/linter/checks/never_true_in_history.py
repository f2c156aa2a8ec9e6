"""GPR209: a rule that could match, but never does over a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, format_samples, judged_rules


class NeverTrueInHistory:
    """A rule that is satisfiable, and that no recorded sample satisfies.

    **Avoid.** ``gpu_temperature > 95`` on a node that has not been above 70 C for a month.
    **Prefer.** A threshold that the recording reaches in the moments that were meant.
    **Why.** Either what it waits for has not happened yet, or its threshold is out of reach: only its owner knows.
    """

    code = "GPR209"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            if track.true == 0:
                hint = "look whether the threshold is in reach, or test the rule on a moment that it is for"
                yield at_condition(
                    self.code, one, f"{describe_judged(one, track)} is TRUE in {format_samples(track)}", hint
                )
