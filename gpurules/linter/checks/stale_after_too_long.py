"""GPR606: data are believed for longer than a ``for`` watches."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import YamlMapping

ABOUT = Code(
    code="GPR606",
    name="stale-after-too-long",
    severity=Severity.WARNING,
    kind="sampling",
    summary="data older than a `for` still counts as current",
    fix=Fix.UNSAFE,
    form=Form.FILE,
    avoid="""\
version: 1
name: example
settings: {stale_after: 10m}
signals:
  full: {condition: gpu_memory > 80, for: 30s}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    prefer="""\
version: 1
name: example
settings: {stale_after: 30s}
signals:
  full: {condition: gpu_memory > 80, for: 30s}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    why="A signal that takes 30 s of readings to start would be kept on by readings that are ten minutes "
    "old. A rule that reacts that quickly should not accept old data for that long.",
)


class StaleAfterTooLong:
    """``settings.stale_after`` is longer than the ``for`` of a signal."""

    about = ABOUT

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
            message = f"data up to {stale:g} s old is accepted, but {name!r} watches {shortest.for_seconds:g} s"
            hint = f"write {shortest.for_seconds:g}s or less"
            yield at_node(ABOUT.code, value, (message, hint), new=f"{shortest.for_seconds:g}s")
