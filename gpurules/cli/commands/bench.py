"""``gpurules bench``."""

import click

from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import option, text_or_json
from gpurules.cli.terminal.output import report_json, write


@click.command("bench")
@click.argument("ruleset", default="gpurules:default")
@option(
    "--gpus", metavar="N", type=click.IntRange(0, 1024), default=8, show_default=True, help="GPUs of the snapshots."
)
@option(
    "--seconds", type=click.FloatRange(0.01, 600), default=3.0, show_default=True, help="About how long to measure."
)
@text_or_json
def command(ruleset: str, gpus: int, seconds: float, format_: str) -> int:
    """Measure the cost of decisions of RULESET (a file, gpurules:NAME, or - for stdin) on this machine.

    Measures decisions on new and on known snapshots and transfers, decisions in batches, the intake of a snapshot, and
    memory, next to four rules written by hand in Python. Times are CPU time; the measurements alternate.
    """
    from gpurules.cli.bench import bench_text, measure_ruleset  # imports the engine

    found = measure_ruleset(load_ruleset(ruleset), gpus, seconds)
    write(report_json(found.to_dict()) if format_ == "json" else bench_text(found))
    return 0
