"""Generates the reference page of the commands: usage, description and every option."""

from collections.abc import Iterator

import click

from gpurules.cli.main import ALIASES, COMMANDS, cli


def commands_page() -> str:
    """Return the page of all commands, a section for each, in the order of ``gpurules --help``."""
    root = click.Context(cli, info_name="gpurules")
    parts = ["# Commands\n", *_introduction(), *(section for name in COMMANDS for section in _section(root, name))]
    return "\n".join(parts)


def _introduction() -> Iterator[str]:
    yield f"{_paragraphs(cli.help or '')}\n"
    yield "| Command | Description |\n| --- | --- |"
    yield from (f"| [`{name}`](#{name}) | {what} |" for name, what in COMMANDS.items())
    yield ""


def _section(root: click.Context, name: str) -> Iterator[str]:
    command = cli.get_command(root, name)
    assert command is not None, name
    context = click.Context(command, parent=root, info_name=name)
    yield f"## {name}\n"
    aliases = ", ".join(f"`{alias}`" for alias, of in ALIASES.items() if of == name)
    yield from ([f"Also called {aliases}.\n"] if aliases else [])
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    yield f"{_paragraphs(command.help or '')}\n"
    rows = [row for option in command.get_params(context) if (row := _row(option, context)) is not None]
    if rows:
        yield "| Option | Description |\n| --- | --- |"
        yield from (f"| `{_cell(option)}` | {_cell(text)} |" for option, text in rows)
        yield ""


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.replace("\b", "").split("\n\n"))


def _row(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    is_help = not isinstance(option, click.Option) or "--help" in option.opts
    return None if is_help else option.get_help_record(context)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
