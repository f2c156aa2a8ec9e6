"""``gpurules config``."""

from collections.abc import Iterator

import click

from gpurules.cli.options import option, text_or_json
from gpurules.cli.project.configuration import KEYS, configuration, sound_configuration, with_configuration
from gpurules.cli.terminal.output import say, table, to_json, write
from gpurules.strict_json import dumps


@click.command("config")
@option("--show-origin", is_flag=True, help="Show the origin of each value.")
@text_or_json
@with_configuration
@click.pass_context
def command(context: click.Context, show_origin: bool, format_: str, config: str | None, isolated: bool) -> int:
    """Show the effective configuration."""
    found = sound_configuration(context)
    rows = list(_rows(context))
    if format_ == "json":
        write(to_json({key: {"value": value, "origin": origin} for key, value, origin in rows}))
        return 0
    say(f"configuration file: {found.path or 'none'}")
    shown = [(key, dumps(value), origin) for key, value, origin in rows]
    write(table(("key", "value", "origin"), shown if show_origin else [(k, v, "") for k, v, _ in shown]))
    return 0


def _rows(context: click.Context) -> Iterator[tuple[str, object, str]]:
    """Yield each key with its value and origin, as ``gpurules lint`` would use them."""
    from gpurules.cli.commands.lint import command as lint

    found = configuration(context)
    given = ["--isolated"] if context.params["isolated"] else []
    given += ["--config", context.params["config"]] if context.params["config"] else []
    there = lint.make_context("lint", given)
    for key in KEYS:
        name = key.replace("-", "_")
        if name not in there.params:
            if key in found.values:
                yield key, found.values[key], str(found.path)
            continue
        value = there.params[name]
        source = there.get_parameter_source(name)
        if source is click.core.ParameterSource.ENVIRONMENT:
            origin = f"GPURULES_{name.upper()}"
        else:
            origin = str(found.path) if source is click.core.ParameterSource.DEFAULT_MAP else "default"
        yield key, value if isinstance(value, str | int | None) else _plain(value), origin


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else str(value)
