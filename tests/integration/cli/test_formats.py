"""One option for the format of the output, in every command that has several, with the same names."""

from typing import Any

import click
import pytest

from gpurules.cli.main import COMMANDS, cli
from gpurules.cli.options import FormatChoice


def formats() -> dict[str, click.Option]:
    context = click.Context(cli)
    found = {}
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option) and {"--format", "--output-format"} & set(parameter.opts):
                found[name] = parameter
    return found


def test_both_spellings_are_one_option_in_every_command() -> None:
    found = formats()
    assert len(found) > 12
    for name, option in found.items():
        assert option.opts == ["--output-format", "--format"], name
        assert isinstance(option.type, FormatChoice), name


@pytest.mark.parametrize("name", sorted(formats()))
def test_the_format_for_people_has_two_names(name: str) -> None:
    option = formats()[name]
    assert option.type.convert("text", option, None) == option.type.convert("full", option, None)


def test_a_format_that_is_not_there_is_refused_with_those_that_are(gpurules: Any) -> None:
    done = gpurules("version", "--format", "xml")
    assert (done.code, done.out) == (2, "")
    assert "'text', 'json'" in done.err
