"""Every option of every command can be set in the environment, as ``GPURULES_<OPTION>``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gpurules.cli.main import COMMANDS, cli

OTHER_MEANINGS = {
    ("GPURULES_NODE", "NAME"): "GPURULES_RECORDING_NODE",  # the other is for the facts of a node
    ("GPURULES_OUTPUT", "DIR"): "GPURULES_BUILD_OUTPUT",  # the other is a file
    ("GPURULES_REPORT", "FILE"): "GPURULES_BACKTEST_REPORT",  # the other has a format too
    ("GPURULES_HISTORY", "DIR"): "GPURULES_HISTORY_STORE",  # written, where the other is read
}
"""Options whose variable is not called after them, since another command has an option of that name."""


def options() -> Iterator[Any]:
    """Yield each option of each command, but for the help."""
    context = click.Context(cli)
    for subcommand in COMMANDS:
        command = cli.get_command(context, subcommand)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield pytest.param(subcommand, parameter, id=f"{subcommand} {parameter.opts[-1]}")


def sample(option: click.Option, folder: Path) -> str:
    """Return a value that *option* takes."""
    match option.type:
        case click.Choice(choices=choices):
            return str(choices[-1])
        case click.Path(file_okay=False):
            return str(folder)
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


@pytest.mark.parametrize(("subcommand", "option"), list(options()))
def test_an_option_is_taken_from_the_environment(
    subcommand: str, option: click.Option, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [spelling for spelling in option.opts if spelling.startswith("--")]
    variables = [f"GPURULES_{spelling.removeprefix('--').replace('-', '_').upper()}" for spelling in long]
    variables = [OTHER_MEANINGS.get((variables[0], option.metavar), variables[0]), *variables[1:]]
    assert option.envvar == variables
    context = click.Context(click.Command(subcommand))
    for variable in variables:
        monkeypatch.setenv(variable, sample(option, tmp_path))
        value, origin = option.consume_value(context, {})
        assert origin is click.core.ParameterSource.ENVIRONMENT
        assert option.type_cast_value(context, value) not in (None, (), False)
        monkeypatch.delenv(variable)


def test_every_command_has_its_options_looked_at() -> None:
    assert len(list(options())) > 100


def test_a_variable_means_the_same_kind_of_value_to_every_command() -> None:
    kinds: dict[str, set[str | None]] = {}
    for parameter in options():
        option = parameter.values[1]
        for variable in option.envvar:
            kinds.setdefault(variable, set()).add(option.metavar)
    assert {variable: found for variable, found in kinds.items() if len(found) > 1} == {}


RECORDED = "".join(
    f'{{"timestamp": {at}, "host": "{host}", "gpus": [{{"index": 0, "uuid": "GPU-{host}", "power": 50}}]}}\n'
    for at, host in ((1, "a"), (2, "b"), (3, "a"))
)


def test_the_node_of_a_recording_has_a_variable_of_its_own(
    tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.jsonl"
    path.write_text(RECORDED)
    monkeypatch.setenv("GPURULES_NODE", '{"pending_transfers": 3}')
    monkeypatch.setenv("GPURULES_RECORDING_NODE", "b")
    done = gpurules("snapshot", "--source", f"replay:{path}", "--format", "json")
    assert (done.code, '"host": "b"' in done.out) == (0, True), done.err


def test_a_name_in_the_variable_for_facts_is_an_error_with_the_right_variable(
    tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.jsonl"
    path.write_text(RECORDED)
    monkeypatch.setenv("GPURULES_NODE", "b")
    done = gpurules("snapshot", "--source", f"replay:{path}")
    assert done.code == 2
    assert "GPURULES_NODE holds facts of the node" in done.err
    assert "GPURULES_RECORDING_NODE" in done.err
    assert gpurules("snapshot", "--source", f"replay:{path}", "--node", "b").code == 0
