"""GPR605: a ``for`` that two polls fill."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_node


class ForBelowSampling:
    """``for`` shorter than two polls.

    **Avoid.** ``for: 5s`` where telemetry is polled every 5 s.
    **Prefer.** ``for: 10s`` or more, or a shorter ``settings.poll_interval``.
    **Why.** Between two polls nothing is known: one high reading, and the next, are all that such a ``for`` looks at.
    """

    code = "GPR605"

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
                message = f"{signal.for_seconds:g} s are less than two polls of {poll:g} s"
                hint = f"write for: {2 * poll:g}s, or poll more often"
                yield at_node(self.code, value, (message, hint), signal.rule, f"{2 * poll:g}s")
