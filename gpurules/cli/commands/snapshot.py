"""``gpurules snapshot``."""

import click

from gpurules.cli.options import given_options, source_options, text_or_json
from gpurules.cli.terminal.clock import date_and_time
from gpurules.cli.terminal.output import pluralize, say, table, to_json, write
from gpurules.cli.terminal.progress import report_unread
from gpurules.diagnostics.excerpt import visible
from gpurules.model import GPU, Dimension, Snapshot, format_reading
from gpurules.telemetry import FiniteSource, first_snapshot, open_source


@click.command("snapshot")
@source_options
@text_or_json
def command(source: str, format_: str, **options: object) -> int:
    """Show the current snapshot of a telemetry source; for a recording, its first snapshot."""
    opened = open_source(source, **given_options(options))
    try:
        snapshot = first_snapshot(opened)
    finally:
        opened.close()
    if isinstance(opened, FiniteSource):
        report_unread(opened)
    else:
        for problem in snapshot.problems:
            say(f"gpurules: {problem}")
    write(to_json(snapshot.to_dict()) if format_ == "json" else render_snapshot(snapshot))
    return 0


def render_snapshot(snapshot: Snapshot) -> str:
    """Return a snapshot as text: a line for the node and a table of its GPUs."""
    boards = pluralize(snapshot.gpu_count, "GPU")
    lost = f"{snapshot.gpu_lost_count} lost" if snapshot.gpu_lost_count else ""
    driver = f"driver {visible(snapshot.driver_version)}" if snapshot.driver_version else ""
    head = " · ".join(
        part for part in (visible(snapshot.host or ""), date_and_time(snapshot.timestamp), boards, lost, driver) if part
    )
    columns = ("GPU", "name", "memory", "busy", "temperature", "power", "processes", "status")
    rows = [_row(gpu) for gpu in snapshot.gpus]
    known = [any(row[n] for row in rows) for n in range(len(columns))]
    shown = [[text or ("missing" if known[n] else "") for n, text in enumerate(row)] for row in rows]
    return f"{head}\n\n{table(columns, shown)}" if rows else f"{head}\n"


def _row(gpu: GPU) -> tuple[str, ...]:
    return (
        str(gpu.index),
        gpu.name or "",
        memory(gpu),
        _amount(gpu.utilization, Dimension.PERCENT),
        _amount(gpu.temperature, Dimension.CELSIUS),
        _amount(gpu.power, Dimension.WATTS),
        _amount(gpu.process_count, Dimension.NONE),
        gpu.status or ("lost" if gpu.is_lost else "ok"),
    )


def memory(gpu: GPU) -> str:
    """Return the used share and size of the memory; empty where it is missing."""
    if gpu.memory is None:
        return ""
    of = f" of {format_reading(gpu.memory_total, Dimension.BYTES)}" if gpu.memory_total else ""
    return f"{gpu.memory:.1f} %{of}"


def _amount(value: float | None, dimension: Dimension) -> str:
    return "" if value is None else format_reading(value, dimension)
