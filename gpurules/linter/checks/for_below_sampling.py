"""GPR605: a ``for`` that two polls fill."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.linter.check import Subject, at_node

ABOUT = Code(
    code="GPR605",
    name="for-below-sampling",
    severity=Severity.WARNING,
    kind="sampling",
    summary="a `for` shorter than two polls",
    fix=Fix.UNSAFE,
    form=Form.FILE,
    avoid="""\
version: 1
name: example
settings: {poll_interval: 5s}
signals:
  full: {condition: gpu_memory > 80, for: 5s}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    prefer="""\
version: 1
name: example
settings: {poll_interval: 5s}
signals:
  full: {condition: gpu_memory > 80, for: 10s}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    why="Between two polls nothing is known. A `for` that is shorter than two polling intervals is "
    "satisfied by one reading and the next, which is hardly a duration.",
)


class ForBelowSampling:
    """``for`` shorter than two polls."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        if subject.ruleset is None:
            return
        poll = subject.ruleset.settings.poll_interval
        for signal in subject.ruleset.signals.values():
            if not 0 < signal.for_seconds < 2 * poll:
                continue
            node = subject.signal_node(signal.name)
            value = node.get("for") if node else None
            if value is not None:
                message = f"{signal.for_seconds:g} s is shorter than two polls of {poll:g} s"
                hint = f"write for: {2 * poll:g}s, or poll more often"
                yield at_node(ABOUT.code, value, (message, hint), signal.rule, f"{2 * poll:g}s")
