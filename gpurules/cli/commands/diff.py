"""``gpurules diff``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpurules.cli.differences import render_markdown, render_text
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import (
    PathOrUrl,
    given_options,
    option,
    output_file,
    recording_options,
    reference_format,
    stdin_filename,
)
from gpurules.cli.terminal.output import report_json, save
from gpurules.cli.terminal.progress import report_unread, with_progress
from gpurules.diff import ChangeKind, compare
from gpurules.registry import did_you_mean
from gpurules.rules import Ruleset

if TYPE_CHECKING:
    from gpurules.diff.history import Replayed


def _kinds(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> frozenset[ChangeKind]:
    """Return the kinds that ``--allow`` names, as separate options or separated by commas."""
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (known := [kind.value for kind in ChangeKind]):
            hint = did_you_mean(name, known) or f"known changes: {', '.join(known)}"
            raise click.BadParameter(f"no kind of change is named {name!r}; {hint}", context, parameter)
    return frozenset(ChangeKind(name) for name in names)


@click.command("diff")
@click.argument("old")
@click.argument("new")
@stdin_filename
@option("--allow", "allowed", metavar="KINDS", multiple=True, callback=_kinds,
        help="Changes that do not count as findings, such as looser,moved,added.")  # fmt: skip
@option("--history", metavar="PATH", type=PathOrUrl(),
        help="Replay this recording (or store) and count the decisions that differ.")  # fmt: skip
@option("--transfers", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="With --history: transfers to decide on, one JSON object per line.")  # fmt: skip
@recording_options
@reference_format
@output_file
def command(
    old: str, new: str, allowed: frozenset[ChangeKind], history: str | None, transfers: Path | None, format_: str,
    output_file: Path | None, **recorded: Any,
) -> int:  # fmt: skip
    """Compare rulesets OLD and NEW (files, gpurules:NAME, or - for stdin) rule by rule, with a witness per difference.

    Rules are compared semantically, with their definitions, inputs, bases and signals. Exits with 1 if there is a
    change that is not allowed.
    """
    if old == new == "-":
        raise click.UsageError("stdin can be read only once: give the other ruleset as a file")
    recorded = given_options(recorded)
    for name in (*(("transfers",) if transfers is not None else ()), *recorded):
        if history is None:
            raise click.UsageError(f"--{name.replace('_', '-')} requires --history")
    pair = load_ruleset(old), load_ruleset(new)
    difference = compare(*pair)
    played = None if history is None else _replayed(pair, history, transfers, recorded)
    title = f"{old} → {new}"
    if format_ == "json":
        report = {"old": old, "new": new, **difference.to_dict()}
        save(report_json({**report, **({"history": played.to_dict()} if played else {})}), output_file)
    else:
        save((render_markdown if format_ == "markdown" else render_text)(difference, title, played), output_file)
    return int(bool(difference.kinds - allowed))


def _replayed(
    pair: tuple[Ruleset, Ruleset], history: str, transfers: Path | None, options: dict[str, Any]
) -> "Replayed":
    """Return what both rulesets decide over a recording."""
    from gpurules.cli.inputs.telemetry import recordings_at
    from gpurules.diff.history import compare_over  # imports the engine, which diff itself does not need
    from gpurules.engine.recordings import feed_recording
    from gpurules.telemetry import read_transfers

    listed = read_transfers(transfers, pair[1].fields) if transfers is not None else ()
    recording, *others = recordings_at(history, options)
    if others:
        raise click.UsageError(f"{history} is a store of {len(others) + 1} nodes; choose one with --node")
    feed_recording(recording, pair)
    played = compare_over(pair, with_progress(recording, "snapshots"), listed)
    for reader in (recording, listed):
        report_unread(reader)
    return played
