"""``gpurules health``."""

import os
import sys
import time
from collections.abc import Callable

import click

from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import DurationParameter, given_options, option, output_format, source_options_but_interval
from gpurules.cli.process import signals
from gpurules.cli.process.deadline import answer_within
from gpurules.cli.terminal.output import note, release_streams, write
from gpurules.diagnostics import DiagnosedError
from gpurules.errors import GpurulesError
from gpurules.interop.health import (
    CONTRACTS,
    DEADLINES,
    Checkup,
    HealthReport,
    HealthStatus,
    check_health,
    drain_node,
    render_health,
    summarize,
    unknown_health,
)
from gpurules.model import format_duration
from gpurules.plugins import reason
from gpurules.telemetry import open_source

_TO_WRITE = 0.25
"""Seconds that are kept for writing the answer and ending the process."""
_TO_DRAIN = 10.0


@click.command("health")
@click.argument("ruleset")
@source_options_but_interval
@output_format(
    "text",
    "json",
    "npd",
    "slurm",
    "nagios",
    help="Format of the program that runs the check: decides lines and exit codes.",
)
@option("--tag", metavar="TAG", default="health", show_default=True, help="Evaluate the rules with this tag.")
@option("--samples", metavar="COUNT", type=click.IntRange(1, 1000), default=1, show_default=True,
        help="How often the source is read: rules with for need more than one sample.")  # fmt: skip
@option("--interval", metavar="SECONDS", type=DurationParameter(0, 3600), default="1s", show_default=True,
        help="Time between samples (1s, 500ms).")  # fmt: skip
@option("--deadline", metavar="SECONDS", type=DurationParameter(0.5, 3600),
        help="Answer unknown after this time.  [default: npd 4s, slurm 50s, nagios 9s, else 10s]")  # fmt: skip
@option("--drain/--no-drain", default=True, show_default=True,
        help="With --format slurm: drain the node on a problem.")  # fmt: skip
def command(
    ruleset: str,
    source: str | None,
    format_: str,
    tag: str,
    samples: int,
    interval: float,
    deadline: float | None,
    drain: bool,
    **options: object,
) -> int:
    """Check the health of this node by the tagged rules of RULESET (a file or gpurules:NAME), for a monitoring program.

    text, json and npd exit with 0 if the node is healthy, 1 on a problem, 2 if its health is unknown; slurm exits with
    0 on unknown too; nagios with 0, 1 (warning), 2 (critical) or 3 (unknown). Effects of rules are not run.
    """
    begun = signals.started_at() or time.monotonic()
    seconds = deadline or DEADLINES[format_]
    checkup = Checkup(tag, samples, interval)
    until = begun + seconds - min(_TO_WRITE, seconds / 4)
    report = answer_within(_work(ruleset, source or "auto", options, checkup), until - _needed(format_, drain, seconds))
    is_late = report is None
    if report is None:
        report = unknown_health(f"no answer from {source or 'auto'} within {format_duration(seconds)}")
    code = CONTRACTS[format_].exit_code(report.status)
    write(render_health(report, format_))
    if format_ == "slurm" and drain and report.status is HealthStatus.PROBLEM:
        note(drain_node(summarize(report), until))
    if is_late and signals.started_at() is not None:
        end_now(code)
    return code


def end_now(code: int) -> None:
    """End the process without waiting for a thread that hangs."""
    release_streams()
    sys.stdout.flush()
    os._exit(code)


def _needed(format_: str, drain: bool, seconds: float) -> float:
    """Return the time reserved for draining the node."""
    return min(_TO_DRAIN, seconds / 3) if format_ == "slurm" and drain else 0.0


def _work(ruleset: str, source: str, options: dict[str, object], checkup: Checkup) -> Callable[[], HealthReport]:
    def work() -> HealthReport:
        try:
            loaded = load_ruleset(ruleset)
            given = given_options(options)
            if source.partition(":")[0] == "replay" and checkup.interval > 0:
                given["interval"] = checkup.interval
            opened = open_source(source, **given)
            try:
                return check_health(loaded, opened, checkup)
            finally:
                opened.close()
        except click.ClickException as error:
            return unknown_health(error.format_message())
        except DiagnosedError as error:
            return unknown_health(f"{ruleset}: {error.diagnostics[0].message} (gpurules lint {ruleset})")
        except GpurulesError as error:
            return unknown_health(str(error))
        except OSError as error:
            return unknown_health(f"{error.filename or source}: {error.strerror or error}")
        except BaseException as error:  # plug-ins may raise anything; none may end the thread silently
            return unknown_health(reason(error))

    return work
