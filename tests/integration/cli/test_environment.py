"""Every option of every verb can be set in the environment, as ``GPURULES_<OPTION>``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gpurules.cli.main import VERBS, cli


def options() -> Iterator[Any]:
    """Yield each option of each verb, but for the help."""
    context = click.Context(cli)
    for verb in VERBS:
        command = cli.get_command(context, verb)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield pytest.param(verb, parameter, id=f"{verb} {parameter.opts[-1]}")


def sample(option: click.Option, folder: Path) -> str:
    """Return a value that *option* takes."""
    match option.type:
        case click.Choice(choices=choices):
            return str(choices[-1])
        case click.Path() | click.File():
            path = folder / "given"
            path.write_text("{}")
            return str(path)
        case click.IntRange(min=least) if least is not None:
            return str(max(least, 7))
        case _ if option.is_flag:
            return "1"
        case _:
            return "7"


@pytest.mark.parametrize(("verb", "option"), list(options()))
def test_an_option_is_taken_from_the_environment(
    verb: str, option: click.Option, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [spelling for spelling in option.opts if spelling.startswith("--")]
    variables = [f"GPURULES_{spelling.removeprefix('--').replace('-', '_').upper()}" for spelling in long]
    assert option.envvar == variables
    context = click.Context(click.Command(verb))
    for variable in variables:
        monkeypatch.setenv(variable, sample(option, tmp_path))
        value, origin = option.consume_value(context, {})
        assert origin is click.core.ParameterSource.ENVIRONMENT
        assert option.type_cast_value(context, value) not in (None, (), False)
        monkeypatch.delenv(variable)


def test_every_verb_has_its_options_looked_at() -> None:
    assert len(list(options())) > 100
