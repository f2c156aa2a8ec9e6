"""``gpurules export``."""

from pathlib import Path

import click

from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import option
from gpurules.cli.terminal.output import note, pluralize, save, to_json, write_data
from gpurules.diagnostics import DiagnosedError
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
    """Write files for other tools: Prometheus rules, their tests, and a Grafana dashboard."""


@command.command("prometheus")
@click.argument("ruleset")
@_FILE
@option("--naming", type=click.Choice(_NAMES), default="gpurules", show_default=True,
        help="Read the metrics of the agent, of dcgm-exporter, or of nvidia_gpu_exporter.")  # fmt: skip
@option("--partial", is_flag=True, help="Exit with 0 even if rules had to be left out.")
def prometheus_command(ruleset: str, output_file: Path | None, naming: str, partial: bool) -> int:
    """Write the rules of RULESET (a file or gpurules:NAME) as alerting rules for Prometheus 2.42 or newer.

    Rules that PromQL cannot express are left out, and listed on stderr and in comments with the reason; the exit code
    is then 1.
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


@command.command("tests")
@click.argument("tests", metavar="TESTS")
@_FILE
@option("--rule-file", metavar="FILE", default="gpurules.rules.yml", show_default=True,
        help="The exported rules, as the tests name them.")  # fmt: skip
@option("--partial", is_flag=True, help="Exit with 0 even if tests had to be left out.")
def tests_command(tests: str, output_file: Path | None, rule_file: str, partial: bool) -> int:
    """Write the rule tests of the file TESTS for `promtool test rules`, for rules exported with --naming gpurules.

    What promtool cannot replay is left out, and listed on stderr; the exit code is then 1.
    """
    from gpurules.interop.prometheus import NAMINGS, export_rules, export_tests
    from gpurules.rules.files import read_file
    from gpurules.ruletest import examine

    test_file, ruleset, problems = examine(read_file(tests), tests)
    if test_file is None or ruleset is None or problems:
        raise DiagnosedError(problems)
    made = export_tests(test_file, ruleset, export_rules(ruleset, NAMINGS["gpurules"]), rule_file)
    _output(to_json(made.document), output_file)
    for name, why in made.omissions:
        note(visible(f"left out: {name}: {why}"))
    note(f"{pluralize(made.cases, 'test')} exported, {len(made.omissions)} left out")
    return int(bool(made.omissions) and not partial)


@command.command("grafana")
@_FILE
def grafana_command(output_file: Path | None) -> int:
    """Write a dashboard for the metrics of the agent, for import into Grafana 9 or newer."""
    from gpurules.interop.grafana import dashboard

    _output(to_json(dashboard()), output_file)
    return 0
