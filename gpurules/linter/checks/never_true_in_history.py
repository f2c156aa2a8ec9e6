"""GPR209: a rule that could match, but never does over a recording."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.reports.recorded_rules import at_condition, describe_judged, format_samples, judged_rules

ABOUT = Code(
    code="GPR209",
    name="never-true-in-history",
    severity=Severity.INFO,
    kind="history",
    summary="a rule that no recorded sample satisfies",
    needs=Need.HISTORY,
    form=Form.WORDS,
    avoid="`gpu_temperature > 95`, and `gpurules lint --history node.jsonl` with a recording that never gets that hot.",
    prefer="`gpu_temperature > 85`, which the recording reaches in the situations that the rule is meant for.",
    why="The condition can be TRUE, but no recorded snapshot makes it so. Either the situation has not "
    "occurred, or the threshold is out of reach. If a rule also depends on transfers or workloads, "
    "only the part about the GPUs and the node is analyzed; `gpurules lint -v` lists the rules that "
    "have no such part.",
)


class NeverTrueInHistory:
    """A rule that is satisfiable, and that no recorded sample satisfies."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for one, track in judged_rules(subject):
            if track.true == 0:
                hint = "check that the threshold can be reached, or add a test for the situation it is meant for"
                yield at_condition(
                    ABOUT.code, one, f"{describe_judged(one, track)} is TRUE in {format_samples(track)}", hint
                )
