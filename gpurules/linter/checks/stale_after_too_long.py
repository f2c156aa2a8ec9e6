"""GPR606: data are believed for longer than a ``for`` watches."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import YamlMapping


class StaleAfterTooLong:
    """``settings.stale_after`` is longer than the ``for`` of a signal.

    **Avoid.** ``stale_after: 10m`` with ``for: 30s``.
    **Prefer.** ``stale_after: 30s`` or less.
    **Why.** A signal that needs 30 s of readings to start is kept on by readings that are ten minutes old.
    """

    code = "GPR606"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        if subject.ruleset is None:
            return
        stale = subject.ruleset.settings.stale_after
        short = [signal for signal in subject.ruleset.signals.values() if 0 < signal.for_seconds < stale]
        settings = subject.root.get("settings") if short and subject.root else None
        value = settings.get("stale_after") if isinstance(settings, YamlMapping) else None
        if value is not None:
            shortest = min(short, key=lambda signal: signal.for_seconds)
            name = shortest.rule or shortest.name
            message = f"data of {stale:g} s ago are believed, and {name!r} watches {shortest.for_seconds:g} s"
            hint = f"write {shortest.for_seconds:g}s or less"
            yield at_node(self.code, value, (message, hint), new=f"{shortest.for_seconds:g}s")
