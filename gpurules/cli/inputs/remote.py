"""The option ``--connect`` of commands that inspect a running agent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from gpurules.cli.options import option
from gpurules.errors import GpurulesError
from gpurules.input_files import read_input
from gpurules.remote import RemoteEngine, connect

Function = TypeVar("Function", bound=Callable[..., Any])
_MAX_TOKEN = 1 << 16


def connection_options(function: Function) -> Function:
    """Add ``--connect``, ``--token-file`` and ``--ca-file``."""
    function = option("--ca-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
                      help="With --connect https://…: the certificates that are trusted.")(function)  # fmt: skip
    function = option("--token-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
                      help="With --connect: a file with a bearer token, alone or as the agent's file has it.",
                      )(function)  # fmt: skip
    return option(
        "--connect", metavar="ADDRESS",
        help="A running agent: unix:PATH, http://HOST:PORT or https://HOST:PORT.",
    )(function)  # fmt: skip


@contextmanager
def connected_engine(address: str | None, token_file: str | None, ca_file: str | None) -> Iterator[RemoteEngine]:
    """Yield a connection to the agent at *address*, by default that of this node.

    Raises:
        click.UsageError: no agent is there, or the address is invalid.
    """
    try:
        token = None if token_file is None else _token(token_file)
        engine = connect(address, token=token, ca_file=ca_file, timeout=5.0)
    except GpurulesError as error:
        raise click.UsageError(str(error)) from None
    assert isinstance(engine, RemoteEngine)
    try:
        yield engine
    finally:
        engine.stop(0.0)


def _token(path: str) -> str:
    """Return the first token in a file."""
    lines = read_input(path, _MAX_TOKEN).decode("utf-8", "replace").splitlines()
    words = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not words:
        raise click.UsageError(f"{path} has no token")
    return words[0][-1]
