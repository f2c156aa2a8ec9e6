"""``gpurules history``."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import click

from gpurules.cli.extras import need_history
from gpurules.cli.options import given_options, option, recording_options, text_or_json
from gpurules.cli.terminal.output import pluralize, report_json, say, table, write
from gpurules.cli.terminal.progress import with_progress
from gpurules.output_files import replacing

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)?", re.IGNORECASE)
_SCALES = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _size(context: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
    if given is None:
        return None
    found = _SIZE.fullmatch(given.strip())
    if found is None:
        raise click.BadParameter(f"{given!r} is not a size; write it as 10GiB", context, parameter)
    return int(float(found[1]) * _SCALES[(found[2] or "B")[0].upper()])


@click.group("history")
def command() -> None:
    """Manage the recording store: inspect, compact, import and export it.

    A store is a folder (or a URL such as s3://bucket/history) of Parquet files by day and node; record -o DIR/ and
    --history of run write one, and backtest, tune and lint --history read it.
    """
    need_history()


@command.command("info")
@click.argument("place", metavar="DIR")
@text_or_json
def info_command(place: str, format_: str) -> int:
    """Show what is recorded in DIR, node by node."""
    from gpurules.history.store.maintenance import info
    from gpurules.history.store.storage import Storage

    found = info(Storage(place))
    if format_ == "json":
        nodes = [{k: v for k, v in asdict(one).items() if k != "size"} | {"bytes": one.size} for one in found]
        write(report_json({"nodes": nodes}))
        return 0
    rows = [[n.node, f"{n.days:,}", f"{n.files:,}", f"{n.size / 2**20:,.1f} MiB", n.first, n.last] for n in found]
    write(table(("node", "days", "files", "size", "first day", "last day"), rows))
    return 0


@command.command("compact")
@click.argument("place", metavar="DIR")
@option("--keep-days", metavar="N", type=click.IntRange(1), help="Remove days that are older than the latest N.")
@option("--keep-size", metavar="SIZE", callback=_size, help="Remove the oldest days until the rest is no larger.")
def compact_command(place: str, keep_days: int | None, keep_size: int | None) -> int:
    """Merge the files of each day and node in DIR into one, and remove what exceeds the limits. Safe at any time."""
    from gpurules.history.store.format.findings import Findings
    from gpurules.history.store.maintenance import Retention, compact, retain
    from gpurules.history.store.storage import Storage

    storage, findings = Storage(place), Findings()
    gone = retain(storage, Retention(keep_days, keep_size)) if keep_days or keep_size else []
    done = list(with_progress(compact(storage, findings), "days"))
    for text in findings.texts:
        say(f"gpurules: {text}")
    files = sum(count for _, count in done)
    write(f"{pluralize(files, 'file')} merged into {len(done):,}; {pluralize(len(gone), 'file')} removed\n")
    return int(bool(findings.count))


@command.command("import")
@click.argument("given", nargs=-1, required=True, metavar="FILE... DIR")
@option("--as-node", metavar="NAME", help="Node of recordings that do not name one.")
@option("--from", "start", metavar="TIME", help="With prometheus:URL: start (default: a day before --to).")
@option("--to", "end", metavar="TIME", help="With prometheus:URL: end (default: now).")
@option("--step", metavar="SECONDS", type=click.FloatRange(0.1), default=15.0, show_default=True,
        help="With prometheus:URL: step between samples.")  # fmt: skip
@recording_options
def import_command(
    given: tuple[str, ...], as_node: str | None, start: str | None, end: str | None, step: float, **recorded: Any
) -> int:
    """Add recordings of any supported tool to the store DIR; prometheus:URL reads a range from a Prometheus server.

    The exit code is 1 if part of a file cannot be read; the rest of it and every other file are imported.
    """
    from gpurules.cli.history.imports import import_files, import_prometheus

    if len(given) < 2:
        raise click.UsageError("name at least one recording, and the store as the last argument")
    *sources, place = given
    urls = [source for source in sources if source.startswith("prometheus:")]
    paths = [source for source in sources if source not in urls]
    problems = import_prometheus(urls, place, (start, end), step) if urls else 0
    problems += import_files(paths, place, as_node, given_options(recorded)) if paths else 0
    return int(bool(problems))


def _whole(output: Path) -> AbstractContextManager[BinaryIO]:
    """Return a file that appears only when complete, so Ctrl-C leaves no fragment; devices are written directly."""
    is_device = output.exists() and not output.is_file()
    return output.open("wb") if is_device else replacing(output, mode=None)


@command.command("export")
@click.argument("place", metavar="DIR")
@option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write to this file instead of stdout.")  # fmt: skip
@option("--node", metavar="NAME", help="Only the recordings of this node.")
def export_command(place: str, output: Path | None, node: str | None) -> int:
    """Write the recordings in DIR as JSONL, one snapshot per line, node by node."""
    from gpurules.history.store.exchange import export_lines
    from gpurules.history.store.reader import StoreReader
    from gpurules.history.store.storage import Storage

    reader = StoreReader(Storage(place))
    if node is not None and node not in reader.nodes:
        raise click.UsageError(f"nothing is recorded for {node!r}; known nodes: {', '.join(reader.nodes[:12])}")
    lines: Iterable[str] = export_lines(reader, node)
    if output is None:
        all(write(line) for line in lines)
    else:
        with _whole(output) as file:
            for line in with_progress(lines, "snapshots"):
                file.write(line.encode())
    for text in reader.findings.texts:
        say(f"gpurules: {text}")
    return int(bool(reader.findings.count))


@command.command("simulate")
@click.argument("place", metavar="DIR")
@option("--nodes", type=click.IntRange(1, 10_000), default=4, show_default=True, help="Number of nodes.")
@option("--node-gpus", type=click.IntRange(1, 64), default=8, show_default=True, help="GPUs per node.")
@option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Number of days.")
@option("--interval", metavar="SECONDS", type=click.FloatRange(0.1), default=15.0, show_default=True,
        help="Interval between snapshots.")  # fmt: skip
@option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same telemetry.")
@option("--noise-only", is_flag=True, help="Do not inject heat waves, memory climbs, gaps and lost GPUs.")
def simulate_command(
    place: str, nodes: int, node_gpus: int, days: int, interval: float, seed: int, noise_only: bool
) -> int:
    """Write a simulated month of a small cluster to the store DIR, to try back-tests on."""
    from gpurules.history.store.simulated import Month, write_month
    from gpurules.history.store.storage import Storage

    month = Month(nodes, node_gpus, days, interval, seed, noise_only=noise_only)
    for _ in with_progress(write_month(Storage(place), month), "days", nodes * days):
        pass
    say(f"gpurules: {pluralize(days, 'day')} of {pluralize(nodes, 'node')} written to {place}")
    return 0
