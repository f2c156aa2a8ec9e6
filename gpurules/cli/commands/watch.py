"""``gpurules watch``."""

import sys
import time
from collections.abc import Callable
from queue import SimpleQueue

import click

from gpurules.cli.inputs.remote import connected_engine, connection_options
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.inputs.telemetry import open_telemetry
from gpurules.cli.options import option, optional_source, stdin_filename
from gpurules.cli.process.signals import signals
from gpurules.cli.run.replay_clock import ReplayClock
from gpurules.cli.terminal.output import has_color, window_size, write
from gpurules.cli.watch.keys import Keyboard, is_terminal
from gpurules.cli.watch.remote import RemoteWatcher
from gpurules.cli.watch.view import View, Watcher
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.logs import silence
from gpurules.remote import AgentUnavailable, RemoteEngine
from gpurules.rules import Ruleset
from gpurules.telemetry import EndOfTelemetry, FiniteSource, Source

_SPEED = 20.0


@click.command("watch")
@click.argument("ruleset", required=False)
@stdin_filename
@optional_source
@connection_options
@option("--speed", type=click.FloatRange(0.01, 1e6), default=_SPEED, show_default=True,
        help="For a recording: playback speed, as a multiple of real time.")  # fmt: skip
@option("--once", is_flag=True, help="Draw the view once, and exit.")
@option(
    "--polls", type=click.IntRange(1), default=1, show_default=True, help="With --once: number of polls before drawing."
)
@option("--width", type=click.IntRange(60, 500), help="With --once: columns; default: those of the terminal, else 80.")
@option("--height", type=click.IntRange(10, 500), help="With --once: rows; default: those of the terminal, else 24.")
def command(
    ruleset: str | None, source: str | None, speed: float, once: bool, polls: int, width: int | None,
    height: int | None, connect: str | None, token_file: str | None, ca_file: str | None, **options: object,
) -> int:  # fmt: skip
    """Show a node and its rules from RULESET (a file or gpurules:NAME) live: GPUs, signals, rules, recent changes.

    Keys: q quits, f filters, the arrows select a rule and e explains it, space freezes. No effects are called.
    """
    columns, rows = window_size()
    size = width or columns, height or rows
    if connect is not None:
        if ruleset or source:
            raise click.UsageError("--connect shows a running agent; leave out the ruleset and --source")
        with connected_engine(connect, token_file, ca_file) as engine:
            return _remote(engine, once, size)
    if ruleset is None or source is None:
        raise click.UsageError("name a ruleset and a --source, or a running agent with --connect")
    loaded = load_ruleset(ruleset)
    opened, interval = open_telemetry(source, options)
    coordinator, clock, own = _coordinator(loaded, opened, None if once else speed, interval)
    watcher = Watcher(coordinator, clock)
    try:
        if once:
            return _once(coordinator, watcher, polls, size)
        if not is_terminal():
            raise click.UsageError("the live view needs a terminal; --once draws it once")
        return _live(coordinator, watcher)
    finally:
        if own is not None:
            own.hurry()
        coordinator.stop(2.0)


def _coordinator(
    ruleset: Ruleset, source: Source, speed: float | None, interval: float | None
) -> tuple[Coordinator, Callable[[], float], ReplayClock | None]:
    if not isinstance(source, FiniteSource):
        options = CoordinatorOptions(poll_interval=interval, dry_run=True)
        return Coordinator(ruleset, source, options=options), time.time, None
    own = ReplayClock(source, time.time, speed)
    options = CoordinatorOptions(poll_interval=1e-6, jitter=0.0, read_timeout=60.0, dry_run=True)
    return Coordinator(ruleset, own, clock=own.clock, options=options), own.clock, own


def _remote(engine: RemoteEngine, is_once: bool, size: tuple[int, int]) -> int:
    from rich.console import Console

    from gpurules.cli.watch.session import watch

    watcher = RemoteWatcher(engine)
    if is_once:
        try:
            return _drawn(watcher.look(), size)
        except AgentUnavailable as error:
            raise click.UsageError(str(error)) from None
    if not is_terminal():
        raise click.UsageError("the live view needs a terminal; --once draws it once")
    ends = SimpleQueue[int]()
    with signals(ends.put, lambda: None), silence():
        console = Console(no_color=not has_color(sys.stdout))
        watch(watcher, Keyboard(sys.stdin.fileno()), console, lambda: not ends.empty())
    return 0 if ends.empty() else ends.get()


def _once(coordinator: Coordinator, watcher: Watcher, polls: int, size: tuple[int, int]) -> int:
    for n in range(polls):
        try:
            report = coordinator.poll()
        except EndOfTelemetry:
            break
        if report.snapshot is None and n + 1 < polls:
            time.sleep(0.1)
    return _drawn(watcher.view(), size)


def _drawn(view: View, size: tuple[int, int]) -> int:
    from rich.console import Console

    from gpurules.cli.watch.frame import Look, frame

    lines = frame(view, Look(*size, is_interactive=False))
    console = Console(width=size[0], force_terminal=has_color(sys.stdout), no_color=not has_color(sys.stdout))
    with console.capture() as captured:
        for line in lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
    write(captured.get())
    return 0


def _live(coordinator: Coordinator, watcher: Watcher) -> int:
    from rich.console import Console

    from gpurules.cli.watch.session import watch

    ends = SimpleQueue[int]()
    with signals(ends.put, coordinator.request_reload), silence():
        coordinator.start()
        console = Console(no_color=not has_color(sys.stdout))
        watch(watcher, Keyboard(sys.stdin.fileno()), console, lambda: not ends.empty())
    return 0 if ends.empty() else ends.get()
