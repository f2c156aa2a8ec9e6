"""``gpurules backtest``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from gpurules.cli.extras import need_history
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import PathOrUrl, given_options, option, output_file, output_format, recording_options
from gpurules.cli.terminal.output import report_json, save, say
from gpurules.cli.terminal.progress import with_progress
from gpurules.cli.test.parallel import processors

BY = ("node", "gpu", "hour", "weekday")


def _by(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.strip() for text in given for name in text.split(",") if name.strip())
    for name in names:
        if name not in BY and not name.startswith("label:"):
            raise click.BadParameter(f"{name!r} is neither {', '.join(BY)} nor label:NAME", context, parameter)
    if sum(name.startswith("label:") for name in names) > 1:
        raise click.BadParameter("shares can be grouped by only one label at a time", context, parameter)
    return names


@click.command("backtest")
@click.argument("rulesets", nargs=-1, required=True)
@option("--history", "places", metavar="PATH", multiple=True, required=True,
        help="Recorded telemetry: a store of record -o DIR/, a recording, or a folder; repeatable.")  # fmt: skip
@option("--from", "since", metavar="TIME", help="Read what was recorded from this time on, such as 2026-01-01T06:00.")
@option("--to", "until", metavar="TIME", help="Read what was recorded before this time; UTC unless it has a zone.")
@option("--engine", type=click.Choice(["local", "spark", "replay"]), default="local", show_default=True,
        help="Execution engine: local processes, Spark, or the rule engine itself, snapshot by snapshot.")  # fmt: skip
@option("--spark-master", metavar="URL", help="With --engine spark: the master, such as local[2] or spark://host:7077.")
@option("--spark-remote", metavar="URL", help="With --engine spark: a Spark Connect server, sc://host.")
@option("--jobs", metavar="N", type=click.IntRange(1), help="Number of processes; default: one per processor.")
@option("--by", metavar="NAMES", multiple=True, callback=_by,
        help="Group shares by node, gpu, hour, weekday or label:NAME.")  # fmt: skip
@option("--transfers", metavar="FILE", type=PathOrUrl(),
        help="Transfers to decide on: a file with one JSON object per line, or a store.")  # fmt: skip
@option("--fail-if", "limits", metavar="LIMIT", multiple=True,
        help="Exit with 1 if this is true, such as 'hot.flaps_per_hour > 1'; repeatable.")  # fmt: skip
@option("--report", envvar=["GPURULES_BACKTEST_REPORT"], metavar="FILE",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write a report with charts to this file, as self-contained HTML.")  # fmt: skip
@recording_options
@output_format("text", "json", "markdown", "junit")
@output_file
def command(
    rulesets: tuple[str, ...], places: tuple[str, ...], since: str | None, until: str | None, engine: str,
    spark_master: str | None, spark_remote: str | None, jobs: int | None, by: tuple[str, ...], transfers: str | None,
    limits: tuple[str, ...], report: Path | None, format_: str, output_file: Path | None, **recorded: Any,
) -> int:  # fmt: skip
    """Replay rulesets over recorded telemetry: time on, episodes, flaps and actions, by rule and signal.

    With two rulesets, also show where they differ. A share counts samples: of each GPU, or of snapshots where a
    condition is about the node.
    """
    need_history(*(["altair", "vl_convert"] if report else []))
    from gpurules.cli.history.backtests import BacktestWish, distribution, run_backtest, write_report
    from gpurules.history.store.time_span import TimeSpan

    if len(rulesets) > 2:
        raise click.UsageError("name one ruleset, or two to compare")
    if (spark_master or spark_remote) and engine != "spark":
        raise click.UsageError("--spark-master and --spark-remote require --engine spark")
    if format_ == "junit" and not limits:
        raise click.UsageError("junit reports limits: set some with --fail-if")
    loaded = [load_ruleset(argument) for argument in rulesets]
    wish = BacktestWish(loaded, places, by, limits, transfers)
    wish.engine, wish.options = ("replay" if engine == "replay" else "kernel"), given_options(recorded)
    wish.with_report, wish.span = report is not None, TimeSpan.read(since, until)
    distribute = distribution(engine, jobs or processors(), spark_master, spark_remote)

    def watch(results: Iterable[Any], total: int) -> Iterable[Any]:
        return with_progress(results, "nodes", total)

    done = run_backtest(wish, distribute, watch)
    for finding in done.result.data.findings.texts[:10]:
        say(f"gpurules: {finding}")
    if report is not None:
        write_report(done, report)
        say(f"gpurules: the report is {report}")
    if format_ == "json":
        save(report_json(done.to_dict()), output_file)
    else:
        save(done.render(format_), output_file)
    return int(any(verdict.is_reached for verdict in done.verdicts))
