"""Options that several commands share; each can be set in the environment as ``GPURULES_<OPTION>``."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def option(*declarations: str, **settings: Any) -> Callable[[Function], Function]:  # click's own door
    """Return click's option; each of its long names gives it an environment variable."""
    spellings = [spelling.split("/")[0] for spelling in declarations if spelling.startswith("--")]
    variables = [f"GPURULES_{spelling.removeprefix('--').replace('-', '_').upper()}" for spelling in spellings]
    return click.option(*declarations, **{"envvar": variables, **settings})


class FormatChoice(click.Choice[str]):
    """The formats of a command. Every command accepts both ``text`` and ``full`` for its human-readable format."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return this command's name for the format."""
        other = {"text": "full", "full": "text"}.get(value)
        return super().convert(other if other in self.choices and value not in self.choices else value, param, ctx)


def output_format(*formats: str, name: str = "format_", **settings: Any) -> Callable[[Function], Function]:
    """Add ``--output-format``, also spelled ``--format``, with the names of the *formats*, as the parameter *name*."""
    given = {"default": formats[0], "show_default": True, "help": "Output format.", **settings}
    return option("--output-format", "--format", name, type=FormatChoice(formats), **given)


class DurationParameter(click.FloatRange):
    """A time as rules write it (``500ms``, ``4s``), or a bare number of seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number of seconds."""
        from gpurules.model.units import Dimension, QuantityError, parse_amount  # most commands take no duration

        if isinstance(value, str):
            try:
                amount = parse_amount(value.strip())
            except QuantityError as error:
                self.fail(str(error), param, ctx)
            if amount.dimension not in (Dimension.NONE, Dimension.SECONDS):
                self.fail(f"{value!r} is not a duration", param, ctx)
            value = amount.value
        return super().convert(value, param, ctx)


STDIN = "<stdin>"
"""Name of stdin by default."""
_STDIN_NAME = "gpurules.cli.stdin_name"


def stdin_filename(function: Function) -> Function:
    """Add ``--stdin-filename``, which :func:`stdin_name` returns."""

    def keep(context: click.Context, parameter: click.Parameter, value: str) -> None:
        context.meta[_STDIN_NAME] = value

    return option(
        "--stdin-filename",
        metavar="PATH",
        default=STDIN,
        expose_value=False,
        callback=keep,
        help="Path of the file on stdin; files that it refers to are resolved relative to it.",
    )(function)


def stdin_name() -> str:
    """Return the name for stdin in the current command."""
    context = click.get_current_context(silent=True)
    return str(context.meta.get(_STDIN_NAME, STDIN)) if context else STDIN


def text_or_json(function: Function) -> Function:
    """Add ``--output-format text|json``."""
    return output_format("text", "json")(function)


def reference_format(function: Function) -> Function:
    """Add ``--output-format text|json|markdown``."""
    return output_format("text", "json", "markdown")(function)


def output_file(function: Function) -> Function:
    """Add ``--output-file``."""
    return option(
        "--output-file",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write the report to this file instead of stdout.",
    )(function)


def _facts(function: Function, how: str) -> Function:
    for name, what in (
        ("node", 'facts about the node, as in {"pending_transfers": 3}'),
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
    """Add the options that give facts which are reread, so none can be on stdin."""
    return _facts(function, "a file, or the JSON itself")


_NODE_OF_RECORDING, _FACTS_OF_NODE = "GPURULES_RECORDING_NODE", "GPURULES_NODE"


def _node_of_recording(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the node to read; reject the name of a node in the variable that holds the facts of a node.

    Raises:
        UsageError: that variable holds a name.
    """
    other = os.environ.get(_FACTS_OF_NODE, "").strip()
    if value is None and other and other != "-" and not other.startswith("{") and not Path(other).exists():
        raise click.UsageError(
            f"{_FACTS_OF_NODE} holds facts of the node (a file, or JSON), and {other[:80]!r} is neither; the node of a "
            f"recording is chosen by {_NODE_OF_RECORDING}"
        )
    return value


_RECORDING_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--interval", {"metavar": "SECONDS", "type": float,
                    "help": "For a recording without times: interval between snapshots."}),
    ("--timezone", {"metavar": "ZONE",
                    "help": "For a recording with local times: its time zone, such as Europe/Berlin."}),
    ("--date", {"metavar": "YYYY-MM-DD",
                "help": "For a log whose times have no date (xpu-smi dump): the date of the first."}),
    ("--columns", {"metavar": "NAMES",
                   "help": "For an nvidia-smi log without a header: its columns, as for --query-gpu."}),
    ("--map", {"metavar": "OLD=NEW", "multiple": True,
               "help": "For a recording with custom column names: the standard name of a column; repeatable."}),
    ("--gpus", {"metavar": "N", "type": click.IntRange(1, 1024),
                "help": "For a log that does not identify GPUs: the number of GPUs in each poll."}),
    ("--single-gpu", {"is_flag": True, "help": "The same as --gpus 1: each row of the log is a poll."}),
    ("--node", {"metavar": "NAME", "envvar": [_NODE_OF_RECORDING], "callback": _node_of_recording,
                "help": "For telemetry of several nodes (a recording, a scrape): the one to read "
                        f"(environment: {_NODE_OF_RECORDING})."}),
)  # fmt: skip

RECORDING_NAMES = tuple(declaration[2:].replace("-", "_") for declaration, _ in _RECORDING_OPTIONS)
"""The names of these options as parameters."""


def recording_options(function: Function, without: Collection[str] = ()) -> Function:
    """Add the options for what a recording may leave open; ``given_options`` returns those that were given."""
    for declaration, settings in _RECORDING_OPTIONS:
        function = function if declaration in without else option(declaration, **settings)(function)
    return function


def given_options(options: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a recording that were given."""
    return {name: value for name, value in options.items() if value not in (None, False, ())}


def source_options(function: Function) -> Function:
    """Add ``--source`` and the options of particular sources."""
    return _source(function, is_required=True)


def optional_source(function: Function) -> Function:
    """Add the same options to a command that does not require a source."""
    return _source(function, is_required=False)


def source_options_but_interval(function: Function) -> Function:
    """Add the same options to a command that has its own ``--interval``."""
    return _source(function, is_required=False, without=("--interval",))


class PathOrUrl(click.Path):
    """A file or folder that exists, or a URL, which is looked up when it is read."""

    def __init__(self) -> None:
        super().__init__(exists=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the URL."""
        return value if "://" in value else super().convert(value, param, ctx)


class SourceParameter(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A telemetry source; in the environment, one value names several, joined with `` + ``."""

    name = "source"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the text unsplit: a path in it may have spaces."""
        return [rv]


def joined_sources(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Return the given sources joined into one name; None if there are none."""
    from gpurules.telemetry.source import join_specs  # commands without a source do not import telemetry

    return join_specs(given) if given else None


def _source(function: Function, is_required: bool, without: Collection[str] = ()) -> Function:
    return option(
        "--source",
        metavar="NAME:ARGUMENT",
        required=is_required,
        multiple=True,
        type=SourceParameter(),
        callback=joined_sources,
        help="Telemetry source: auto, nvml, nvidia-smi, dcgm:URL, scrape:URL, amd, xpu-smi, intel-sysfs, "
        "replay:FILE, synthetic:gpus=4; further ones, textfile:DIR or scrape:URL, feed declared fields.",
    )(recording_options(function, without))


def _not_empty(_context: click.Context, parameter: click.Parameter, value: Path | str | None) -> Path | str | None:
    """Return *value*, which must not be empty.

    Raises:
        click.BadParameter: it is empty, which would mean the current folder.
    """
    if value is not None and str(value) in ("", "."):
        raise click.BadParameter(f"{str(value)!r} names no {'file' if parameter.name == 'publish' else 'store'}")
    return value


def _program(path: str) -> str:
    """Return the absolute path of a program.

    Raises:
        BadParameter: the path is relative.
    """
    if not path.startswith("/") or os.path.normpath(path) != path:
        raise click.BadParameter(f"{path!r} is not an absolute path of a program")
    return path


_AGENT_OUTPUTS = (
    option(
        "--client",
        "clients",
        metavar="KIND=ARGUMENT",
        multiple=True,
        help="Make a storage client follow the rules: readahead=PATH, rclone=SOCKET or juicefs=META-URL; "
        "repeatable.",
    ),
    option(
        "--publish",
        metavar="FILE",
        callback=_not_empty,
        type=click.Path(dir_okay=False, path_type=Path),
        help="Publish the node's state to this file, which compiled rules (gpurules build) map into memory.",
    ),
    option(
        "--history",
        envvar=["GPURULES_HISTORY_STORE"],
        metavar="DIR",
        callback=_not_empty,
        help="Record what is observed in this store (or a URL), for backtest and tune.",
    ),
    option(
        "--history-days",
        metavar="N",
        type=click.IntRange(1),
        help="Keep N past days in the store of --history, and remove older ones.",
    ),
    option(
        "--suggest",
        metavar="DIR",
        callback=_not_empty,
        help="Search this store once a day for values that meet --goal and --keep better, and publish them; "
        "no rule is changed.",
    ),
    option("--goal", "goals", metavar="LIMIT", multiple=True,
           help="Goal of --suggest, as in 'memory_pressure.flaps_per_hour <= 0.5'; repeatable."),
    option("--keep", "keeps", metavar="LIMIT", multiple=True,
           help="Events that signals must precede with --suggest, as in 'missed(gpu_throttled) == 0'; repeatable."),
    option("--allow-exec", metavar="PROGRAM", multiple=True,
           callback=lambda context, parameter, value: frozenset(map(_program, value)),
           help="Let the action exec run this program, named by its absolute path; repeatable."),
)  # fmt: skip


def agent_outputs(function: Function) -> Function:
    """Add the options of an agent's outputs and allowed programs: ``--client``, ``--publish``, ``--allow-exec``, …"""
    for add in reversed(_AGENT_OUTPUTS):
        function = add(function)
    return function
