"""Runs a ruleset over live telemetry until it is stopped, and reports what happens, line by line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from gpurules.actions.decision import Decision
from gpurules.cli.inputs.telemetry import no_gpu, no_telemetry
from gpurules.cli.process.signals import signals
from gpurules.cli.run.governed_clients import clients_follow
from gpurules.cli.run.history_keeper import kept_in
from gpurules.cli.run.playback import NodeChange, node_directives
from gpurules.cli.run.replay_clock import ReplayClock
from gpurules.cli.run.suggestions import SuggestionWish, suggestions_of
from gpurules.cli.run.timeline import INDENT, Timeline, event_json
from gpurules.cli.terminal.clock import time_of_day
from gpurules.cli.terminal.output import Style, note, paint, pluralize, write, write_lines
from gpurules.diagnostics.excerpt import visible
from gpurules.engine import Coordinator, CoordinatorOptions, Edge, PollReport
from gpurules.logs import to_stderr
from gpurules.model import format_duration
from gpurules.rules import Ruleset
from gpurules.rules.program import zone_of
from gpurules.strict_json import dumps
from gpurules.telemetry import EndOfTelemetry, FiniteSource, Source, TelemetryError

_AT_ONCE = 1e-6


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The settings of an agent; ``is_json`` selects its output, ``clients`` (``KIND=ARGUMENT``) follow its rules.

    ``service`` runs around its polls; with ``stays`` the agent continues after its source has ended. ``before_reload``
    is called in the handler of SIGHUP.
    Missing: ``metrics_port`` None: no metrics are served; ``publish`` None: no state file is written;
    ``history`` None: what is observed is not recorded; ``history_days`` None: it is kept forever; ``suggestions``
    None: no better values are searched for.
    """

    is_json: bool = False
    once: bool = False
    options: CoordinatorOptions = field(default_factory=CoordinatorOptions)
    metrics_port: int | None = None
    clients: tuple[str, ...] = ()
    service: Callable[[Coordinator], AbstractContextManager[object]] = nullcontext
    stays: bool = False
    before_reload: Callable[[], object] = lambda: None
    publish: Path | None = None
    history: str | None = None
    history_days: int | None = None
    suggestions: SuggestionWish | None = None


def coordinator_of(ruleset: Ruleset, source: Source, options: CoordinatorOptions) -> Coordinator:
    """Return a coordinator over *source*; recorded and simulated telemetry brings its own clock."""
    if not isinstance(source, FiniteSource):
        return Coordinator(ruleset, source, options=options)
    if options.poll_interval is None:
        options = replace(options, poll_interval=_AT_ONCE, jitter=0.0, read_timeout=60.0)
    paced = ReplayClock(source, time.time)
    return Coordinator(ruleset, paced, clock=paced.clock, options=options)


def run_agent(ruleset: Ruleset, source: Source, settings: AgentSettings) -> int:
    """Poll until a signal arrives, the source ends or the reader of stdout closes it; return the exit code.

    Raises:
        ClickException: a client cannot be opened.
    """
    make = Coordinator if settings.stays or settings.publish else coordinator_of
    coordinator = make(ruleset, source, options=settings.options)
    ends: SimpleQueue[int] = SimpleQueue()
    interval = None if settings.once else settings.options.poll_interval or ruleset.settings.poll_interval
    printer = EventPrinter(coordinator, settings.is_json, interval)

    def report_poll(report: PollReport) -> None:
        if not printer.report_poll(report) or (report.ended and not settings.stays):
            ends.put(0)

    def reload() -> None:
        settings.before_reload()
        coordinator.request_reload()

    coordinator.on_poll(report_poll)
    with (
        metrics_at(settings.metrics_port, coordinator),
        to_stderr(),
        signals(ends.put, reload),
        clients_follow(coordinator, settings.clients),
        settings.service(coordinator),
        published_at(settings.publish, coordinator),
        kept_in(settings.history, coordinator, settings.history_days),
        suggestions_of(settings.suggestions, coordinator),
    ):
        for line in _at_work(source, interval):
            note(line)
        try:
            code = _poll_once(coordinator) if settings.once else _wait(coordinator, ends)
        finally:
            coordinator.stop()
    printer.sum_up()
    return code


def _at_work(source: Source, interval: float | None) -> Iterator[str]:
    """Yield the lines that say what is running, if it may print nothing for a while."""
    if interval is not None and not isinstance(source, FiniteSource):
        yield f"polling every {format_duration(interval)}; changes are shown here (Ctrl-C to stop)"


def _poll_once(coordinator: Coordinator) -> int:
    try:
        return 2 if coordinator.poll().snapshot is None else 0
    except EndOfTelemetry:
        return 0


def _wait(coordinator: Coordinator, ends: "SimpleQueue[int]") -> int:
    coordinator.start()
    while True:
        try:
            return ends.get(timeout=1)  # a signal that another thread received is handled only when this one wakes
        except Empty:
            continue


@contextmanager
def published_at(path: Path | None, coordinator: Coordinator) -> Iterator[None]:
    """Keep the state file at *path* current during the context."""
    if path is None:
        yield
        return
    from gpurules.service.state_file import keep_published

    with keep_published(coordinator, path):
        yield


@contextmanager
def metrics_at(port: int | None, coordinator: Coordinator) -> Iterator[None]:
    """Serve metrics to Prometheus on *port* of the loopback interface during the context."""
    if port is None:
        yield
        return
    from gpurules.service.metrics import serve

    end = serve(coordinator, port)
    try:
        yield
    finally:
        end()


class EventPrinter:
    """Reports each poll: a timeline for people, JSON Lines for programs."""

    def __init__(self, coordinator: Coordinator, is_json: bool, interval: float | None = None) -> None:
        self._coordinator = coordinator
        self._is_json = is_json
        self._timeline = Timeline(coordinator.engine.ruleset, sys.stdout.isatty())
        self._version = coordinator.engine.ruleset.version
        self._interval = interval
        self._has_gpus: bool | None = None
        self._failure: str | None = None
        self._before: Decision | None = None
        self._error: str | None = None

    def report_poll(self, report: PollReport) -> bool:
        """Write the events of *report*; return False once the reader of stdout has closed it."""
        lines = [*self._reloads(), *self._telemetry(report)]
        self._emptiness(report)
        for change in report.transitions:
            lines += [event_json(change)] if self._is_json else self._drawn(change)
        lines += self._node()
        for edge in report.edges:
            if self._is_json:
                lines.append(_edge_json(edge))
            elif edge.effects:
                lines.append(self._edge(edge, INDENT if lines else self._time(edge.timestamp)))
        return write_lines(line.removesuffix("\n") for line in lines) if lines else True

    def _reloads(self) -> list[str]:
        ruleset = self._coordinator.engine.ruleset
        if ruleset.version == self._version:
            return []
        self._version = ruleset.version
        self._timeline = Timeline(ruleset, sys.stdout.isatty())
        if self._is_json:
            return [_line("ruleset", time.time(), ruleset=ruleset.name, version=ruleset.version)]
        return [paint(f"{INDENT}ruleset {ruleset.name} {ruleset.version[:6]} is in force", Style.FAINT) + "\n"]

    def _telemetry(self, report: PollReport) -> list[str]:
        if report.error == self._error or (report.error is not None and self._error is not None):
            return []
        self._error = report.error
        if self._is_json:
            return [_line("telemetry", time.time(), ok=report.error is None, error=report.error)]
        if report.error is not None and not report.ended:
            failure = report.failure or TelemetryError(report.error)
            lines = [*no_telemetry(failure, self._interval)]
            for line in lines[:1] if failure.summary == self._failure else lines:
                note(line)
            self._failure = failure.summary
        elif report.error is None:
            note("telemetry is back")
        return []

    def _emptiness(self, report: PollReport) -> None:
        """Report once that no GPU is present, and once that one appeared."""
        if report.snapshot is None or self._has_gpus == bool(report.snapshot.gpus):
            return
        if self._has_gpus is False:
            note(f"the source reports {pluralize(len(report.snapshot.gpus), 'GPU')}")
        for line in no_gpu(report.snapshot):
            note(line)
        self._has_gpus = bool(report.snapshot.gpus)

    def _node(self) -> list[str]:
        before, decision = self._before, self._coordinator.decide()
        self._before = decision
        if node_directives(decision) == node_directives(before):
            return []
        change = NodeChange(decision.snapshot_time, before, decision)
        return [event_json(change)] if self._is_json else self._drawn(change)

    def _drawn(self, event: object) -> list[str]:
        return self._timeline.lines(event, self._coordinator.engine.snapshot)  # type: ignore[arg-type]

    def _time(self, timestamp: float) -> str:
        return f"{time_of_day(timestamp, zone_of(self._coordinator.engine.ruleset.settings.timezone))}  "

    def _edge(self, edge: Edge, before: str) -> str:
        where = f" on GPU {', '.join(map(str, edge.devices))}" if edge.devices and edge.kind != "change" else ""
        of = f" for {visible(edge.transfer_id)}" if edge.transfer_id else ""
        word = _edge_words(edge)
        note = " (quiet)" if edge.suppressed else " (dry run)" if self._coordinator.options.dry_run else ""
        mark = paint(_MARKS[edge.kind], Style.HEAD)
        return f"{before}{mark} {visible(edge.rule.name)} {word}{where}{of}: {', '.join(edge.effects)}{note}\n"

    def sum_up(self) -> None:
        """Write the summary."""
        counts = self._coordinator.collect()
        effects = {
            name: {"sent": c.sent, "failed": c.failed, "dropped": c.dropped} for name, c in counts.effects.items()
        }
        if self._is_json:
            counters = {"polls": counts.polls, "missed_polls": counts.missed_polls, "reloads": counts.reloads}
            write(_line("end", time.time(), **counters, effects=effects))
            return
        parts = [pluralize(counts.polls, "poll"), f"{counts.missed_polls} missed" if counts.missed_polls else ""]
        for name, of in effects.items():
            parts.append(f"{name} {', '.join(f'{n} {word}' for word, n in of.items() if n) or 'not called'}")
        write(f"{'; '.join(part for part in parts if part)}\n")


_MARKS = {"start": "●", "change": "◐", "stop": "○"}


def _edge_words(edge: Edge) -> str:
    match edge.kind:
        case "start":
            return "starts"
        case "change":
            parts = [("joined by", edge.joined), ("left by", edge.left)]
            return " and ".join(f"is {word} GPU {', '.join(map(str, gpus))}" for word, gpus in parts if gpus)
        case "stop":
            return f"stops after {format_duration(edge.lasted)}"


def _edge_json(edge: Edge) -> str:
    return _line("rule", edge.timestamp, **edge.to_dict())


def _line(event: str, timestamp: float, **data: object) -> str:
    return dumps({"event": event, "timestamp": timestamp, **data}) + "\n"
