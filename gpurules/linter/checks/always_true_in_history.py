"""GPR210: a rule that matches nearly all the time over a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, format_samples, judged_rules

ABOUT = Code(
    code="GPR210",
    name="always-true-in-history",
    severity=Severity.INFO,
    kind="history",
    summary="a rule that is TRUE in nearly all recorded samples",
    needs=Need.HISTORY,
    form=Form.WORDS,
    avoid="`gpu_memory > 10`, and `gpurules lint --history node.jsonl` with a recording in which GPUs "
    "always hold a model.",
    prefer="`gpu_memory > 80`, which distinguishes one situation from another.",
    why="A rule that is TRUE in 99 % of the recorded snapshots or more is a setting in the guise of a "
    "decision. Snapshots in which it is UNKNOWN do not count.",
)

ALWAYS = 0.99
"""The share of the snapshots from which on a rule counts as always TRUE."""


class AlwaysTrueInHistory:
    """A rule that is TRUE in at least 99 % of the recorded samples."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            if track.true >= ALWAYS * track.known:
                hint = "check whether the threshold distinguishes anything on this node"
                yield at_condition(
                    ABOUT.code, one, f"{describe_judged(one, track)} is TRUE in {format_samples(track)}", hint
                )
