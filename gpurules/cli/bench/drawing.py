"""Measurements as a table with bars."""

from collections.abc import Iterator

from gpurules.cli.bench.measuring import Bench
from gpurules.cli.terminal.output import pluralize, table, terminal_width
from gpurules.diagnostics.excerpt import visible

MAX_BAR = 40
MIN_WIDTH_OF_ALL = 110
"""On narrower terminals the spread is left out, so that bars have room."""


def bench_text(bench: Bench) -> str:
    """Return the measurements as a table, with bars drawn to scale."""
    return "\n".join(_lines(bench)) + "\n"


def _lines(bench: Bench) -> Iterator[str]:
    rules, gpus = pluralize(bench.rules, "rule"), pluralize(bench.gpus, "GPU")
    yield f"{visible(bench.ruleset)}: {rules}, {gpus}; CPU time per call"
    yield ""
    rows = [
        (t.name, _spelled(t.median), f"{t.ratio:.2f}", f"{_spelled(t.least)} .. {_spelled(t.largest)}")
        for t in bench.timings
    ]
    columns = 4 if terminal_width() >= MIN_WIDTH_OF_ALL else 3
    lines = table(("", "median", "× by hand", "least .. largest")[:columns], [r[:columns] for r in rows]).splitlines()
    room = min(MAX_BAR, terminal_width() - max(map(len, lines)) - 2)
    most = max(timing.median for timing in bench.timings) or 1.0
    yield lines[0]
    for line, timing in zip(lines[1:], bench.timings, strict=True):
        bar = "█" * max(1, round(room * timing.median / most)) if room > 3 else ""
        yield f"{line.ljust(max(map(len, lines)))}  {bar}".rstrip()
    yield ""
    yield f"memory of the engine: {bench.memory / 1024:,.0f} KiB"
    yield "by hand: a function for the four rules of gpurules:default that returns their names, on a new snapshot each"


def _spelled(nanoseconds: float) -> str:
    if nanoseconds < 10_000:
        return f"{nanoseconds:,.0f} ns"
    return f"{nanoseconds / 1000:,.1f} µs" if nanoseconds < 1e6 else f"{nanoseconds / 1e6:,.1f} ms"
