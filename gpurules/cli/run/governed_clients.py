"""Opens the storage clients that the command line names, governed by the rules of the node."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from gpurules.engine import Coordinator

if TYPE_CHECKING:
    from gpurules.clients import Client


def open_client(named: str) -> "Client":
    """Open the client that ``KIND=ARGUMENT`` names, such as ``rclone=/run/rclone.sock``.

    Raises:
        RegistrationError: no kind has that name.
        UsageError: the agent cannot control this kind, or the argument is missing.
        ClickException: it cannot be controlled on this machine.
    """
    from gpurules.clients import SettingError, all_clients  # imports slowly, and most runs have no client

    name, _, argument = named.partition("=")
    kinds, _ = all_clients()
    kind = kinds[name]
    open_: Callable[[str], Client] | None = getattr(kind, "open", None)
    if open_ is None:
        can = ", ".join(each.name for each in kinds if hasattr(each, "open"))
        raise click.UsageError(f"{name} follows the rules in the process that uses it; --client accepts {can}")
    if not argument:
        raise click.UsageError(f"--client {name} needs an argument: {name}={getattr(kind, 'argument', 'ARGUMENT')}")
    try:
        return open_(argument)
    except SettingError as error:
        raise click.ClickException(f"--client {name}: {error}") from None


@contextmanager
def clients_follow(coordinator: Coordinator, named: Sequence[str]) -> Iterator[None]:
    """Let the clients follow the rules during the context, then restore their settings.

    Raises:
        ClickException: one of them cannot be opened; none is changed.
    """
    if not named:
        yield
        return
    from gpurules.clients import Follower

    with ExitStack() as stack:
        clients = []
        for each in named:
            client = open_client(each)
            clients.append(client)
            if close := getattr(client, "close", None):
                stack.callback(close)
        stack.enter_context(Follower(coordinator, clients))
        yield
