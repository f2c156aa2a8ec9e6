"""``gpurules lint``."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gpurules.cli.options import PathOrUrl, option, output_file, output_format, recording_options
from gpurules.cli.project.code_selection import FAIL_ON
from gpurules.cli.project.configuration import configuration, with_configuration
from gpurules.diagnostics import Format
from gpurules.linter import WORK


@click.command("lint")
@click.argument("paths", nargs=-1)
@output_format(*(f.value for f in Format), name="output_format", show_default="full, or github in a GitHub workflow")
@output_file
@option("--report", multiple=True, metavar="FORMAT=PATH", help="Write an additional report; repeatable.")
@option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    default="error",
    show_default=True,
    help="Lowest severity that makes the exit code 1.",
)
@option("--select", multiple=True, metavar="CODES", help="Report only these: codes, prefixes such as GPR1, or names.")
@option("--extend-select", multiple=True, metavar="CODES", help="Also report these, such as GPR7 (style).")
@option("--ignore", multiple=True, metavar="CODES", help="Do not report these.")
@option("--fix", is_flag=True, help="Apply fixes that do not change behavior.")
@option("--unsafe-fixes", is_flag=True, help="Also apply fixes that may change behavior; with --fix or --diff.")
@option("--diff", is_flag=True, help="Show what --fix would change, without changing anything.")
@option("--since", metavar="REF",
        help="Check only files that differ from this git commit or branch, and files that extend them.")  # fmt: skip
@option("--dependents", is_flag=True, help="Also check rulesets below the current directory that extend one of PATHS.")
@option(
    "--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Do not report findings listed in this file."
)
@option("--update-baseline", is_flag=True, help="Drop resolved findings from the baseline; create it if missing.")
@option("--allow-growth", is_flag=True, help="Allow --update-baseline to add new findings.")
@option("--emit-test", type=click.Path(dir_okay=False, path_type=Path),
        help="Write the witnesses of findings to this file as rule tests.")  # fmt: skip
@option("--history", multiple=True, type=PathOrUrl(), metavar="PATH",
        help="Also report rules that never match, always match or flap in this recording or store.")  # fmt: skip
@recording_options
@option("--watch", "is_watching", is_flag=True, help="Lint again whenever a file changes, until Ctrl-C.")
@option("--statistics", "by_code", is_flag=True, help="Count findings by code instead of listing them.")
@option(
    "--analysis-steps",
    type=click.IntRange(min=0),
    default=WORK,
    show_default=True,
    help="Step budget of the semantic analysis, per file.",
)
@option("--docs-url", metavar="URL", default="",
        help="Base URL of the check documentation, for links in SARIF reports.")  # fmt: skip
@option("-v", "--verbose", is_flag=True, help="List the rules that were not fully analyzed, and why.")
@option("--allow-empty", is_flag=True, help="Exit 0 when no ruleset is found.")
@option("--stdin-filename", metavar="PATH", default="<stdin>", help="Name of stdin in reports.")
@with_configuration
@click.pass_context
def command(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> int:
    """Find every mistake in the rulesets at PATHS (files, directories, globs, - for stdin; default: here)."""
    from gpurules.cli.lint.invocation import lint_paths  # imports the linter, which showing the options does not need

    if context.get_parameter_source("output_format") is ParameterSource.DEFAULT:
        options["output_format"] = None
    return lint_paths(paths, options, configuration(context))
