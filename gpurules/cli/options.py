"""Options that several verbs have; each can be set in the environment as ``GPURULES_<OPTION>``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def option(*declarations: str, **settings: Any) -> Callable[[Function], Function]:  # click's own door
    """Return click's option, which the environment can set under the name of its first long spelling."""
    long = next(spelling for spelling in declarations if spelling.startswith("--"))
    variable = f"GPURULES_{long.split('/')[0].removeprefix('--').replace('-', '_').upper()}"
    return click.option(*declarations, envvar=variable, **settings)


STDIN = "<stdin>"
"""What stdin is called where nobody says."""
_STDIN_NAME = "gpurules.cli.stdin_name"


def stdin_filename(function: Function) -> Function:
    """Add ``--stdin-filename``, which :func:`stdin_name` tells."""

    def keep(context: click.Context, parameter: click.Parameter, value: str) -> None:
        context.meta[_STDIN_NAME] = value

    return option(
        "--stdin-filename",
        metavar="PATH",
        default=STDIN,
        expose_value=False,
        callback=keep,
        help="What the file from stdin is called; what it names is looked for beside it.",
    )(function)


def stdin_name() -> str:
    """Return what stdin is called in the verb that runs."""
    context = click.get_current_context(silent=True)
    return str(context.meta.get(_STDIN_NAME, STDIN)) if context else STDIN


def text_or_json(function: Function) -> Function:
    """Add ``--format text|json``."""
    return option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people, or for programs.",
    )(function)


def reference_format(function: Function) -> Function:
    """Add ``--format text|json|markdown``."""
    return option(
        "--format",
        "format_",
        type=click.Choice(["text", "json", "markdown"]),
        default="text",
        show_default=True,
        help="For people, for programs, or for pages.",
    )(function)


def output_file(function: Function) -> Function:
    """Add ``--output-file``."""
    return option(
        "--output-file",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write the report there instead of to stdout.",
    )(function)


def _facts(function: Function, how: str) -> Function:
    for name, what in (
        ("node", 'facts of the node, as in {"pending_transfers": 3}'),
        ("workload", "the workload that the transfer serves"),
        ("transfer", "the transfer to decide on"),
        ("snapshot", "what the GPUs report"),
    ):
        function = option(f"--{name}", metavar="FILE", help=f"JSON of {what}; {how}.")(function)
    return function


def facts(function: Function) -> Function:
    """Add the options that give facts: ``--snapshot --transfer --workload --node``."""
    return _facts(function, "- for stdin, or the JSON itself")


def kept_facts(function: Function) -> Function:
    """Add the options that give facts which are looked at again and again, so none can be on stdin."""
    return _facts(function, "a file, or the JSON itself")


def recording_options(function: Function) -> Function:
    """Add what the format of a recording may leave open: ``--interval --timezone --columns``."""
    for declaration, metavar, kind, what in (
        ("--interval", "SECONDS", float, "Of a recording without times: the step between snapshots."),
        ("--timezone", "ZONE", str, "Of a recording with local times: the recorder's zone, such as Europe/Berlin."),
        ("--columns", "NAMES", str, "Of an nvidia-smi log without a header: its columns, as for --query-gpu."),
    ):
        function = option(declaration, metavar=metavar, type=kind, help=what)(function)
    return function


def source_options(function: Function) -> Function:
    """Add ``--source`` and the options that only some sources have."""
    return option(
        "--source",
        metavar="NAME:ARGUMENT",
        required=True,
        help="Where telemetry comes from: auto, nvml, nvidia-smi, dcgm:URL, amd, replay:FILE, synthetic:gpus=4.",
    )(recording_options(function))
