"""``gpurules status``."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from gpurules.cli.inputs.remote import connected_engine, connection_options
from gpurules.cli.options import text_or_json
from gpurules.cli.terminal.clock import time_of_day
from gpurules.cli.terminal.output import Style, paint, pluralize, report_json, write, write_lines
from gpurules.diagnostics.excerpt import visible
from gpurules.model import format_duration
from gpurules.remote import AgentUnavailable
from gpurules.remote.queries import fetch


@click.command("status")
@connection_options
@text_or_json
def command(connect: str | None, token_file: str | None, ca_file: str | None, format_: str) -> int:
    """Show the status of a running agent (default: that of this node): its ruleset, telemetry and matching rules.

    The exit code is 1 if its telemetry is stale, its rules are disabled, or a ruleset was rejected.
    """
    with connected_engine(connect, token_file, ca_file) as engine:
        try:
            status = fetch(engine, "/v1/status")
        except AgentUnavailable as error:
            raise click.UsageError(str(error)) from None
    if format_ == "json":
        write(report_json(status))
    else:
        write_lines(_lines(status))
    return int(bool(status["stale"] or not status["enabled"] or status["reload_error"] or status["source_error"]))


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    started = time_of_day(status["started_at"])
    yield f"ruleset    {visible(status['ruleset'])} {status['ruleset_version'][:6]}, since {started}"
    if not status["enabled"]:
        yield paint("           its rules are disabled: no directives apply to transfers", Style.BAD)
    if status["reload_error"]:
        yield paint(f"           a newer one was refused: {visible(status['reload_error'])}", Style.BAD)
    age = status["telemetry_age"]
    fresh = "none yet" if age is None else f"{format_duration(round(age, 1))} old"
    yield f"telemetry  {visible(status['source'])}, {fresh}{', stale' if status['stale'] else ''}"
    if status["source_error"]:
        yield paint(f"           {visible(status['source_error'])}", Style.BAD)
    matching = ", ".join(map(visible, status["matching"])) or "none"
    yield f"matching   {matching}"
    missed = f", {status['missed_polls']} missed" if status["missed_polls"] else ""
    yield f"polls      {status['polls']}{missed}; {pluralize(status['followers'], 'follower')}"
    for name, counts in status["effects"].items():
        yield f"effect     {visible(name)}: " + ", ".join(f"{count} {word}" for word, count in counts.items())
