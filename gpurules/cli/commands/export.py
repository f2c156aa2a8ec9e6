"""``gpurules export``."""

from pathlib import Path

import click

from gpurules.cli.options import option
from gpurules.cli.output import note, pluralize, save, write_data
from gpurules.cli.rulesets import load_ruleset
from gpurules.diagnostics.excerpt import visible


def _output(text: str, path: Path | None) -> None:
    if path is None:
        write_data(text)
    else:
        save(text, path)


_FILE = option(
    "-o",
    "--output-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of stdout.",
)
_NAMES = ("gpurules", "dcgm", "nvidia_gpu_exporter")


@click.group("export")
def command() -> None:
    """Write what other tools read: rules of Prometheus, their tests, a dashboard for Grafana."""


@command.command("prometheus")
@click.argument("ruleset")
@_FILE
@option("--naming", type=click.Choice(_NAMES), default="gpurules", show_default=True,
        help="Read the metrics of the agent, of dcgm-exporter, or of nvidia_gpu_exporter.")  # fmt: skip
@option("--partial", is_flag=True, help="Exit with 0 even if rules had to be left out.")
def prometheus_command(ruleset: str, output_file: Path | None, naming: str, partial: bool) -> int:
    """Write the rules of RULESET (a file or gpurules:NAME) as alerting rules of Prometheus 2.42 or newer.

    What PromQL cannot say is left out, and listed on stderr and in comments with its reason; the exit code is then 1.
    """
    from gpurules.interop.prometheus import NAMINGS, export_rules, render_group

    loaded = load_ruleset(ruleset)
    export = export_rules(loaded, NAMINGS[naming])
    left_out = [f"left out: {o.rule} ({o.place}): {o.reason}" for o in export.omissions]
    comments = [f"Exported from the ruleset {loaded.name!r} for the metrics of {naming}.", *left_out, *export.notes]
    _output(render_group(export.group, [visible(comment) for comment in comments]), output_file)
    for text in (*left_out, *export.notes):
        note(visible(text))
    note(f"{pluralize(len(export.alerts), 'alert')} exported, {pluralize(len(left_out), 'rule')} left out")
    return int(bool(left_out) and not partial)
