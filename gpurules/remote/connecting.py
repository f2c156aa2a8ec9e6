"""Connects to the agent of this node, or falls back to a local engine."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpurules.errors import GpurulesError
from gpurules.remote.connection.address import find_address, read_address
from gpurules.remote.connection.link import Link
from gpurules.remote.engine import RemoteEngine

if TYPE_CHECKING:
    from gpurules.remote.asynchronous import AsyncRemoteEngine
    from gpurules.remote.local import LocalAgent

TIMEOUT_SECONDS = 0.05


def connect(
    address: str | None = None,
    ruleset: str | Path | None = None,
    *,
    token: str | None = None,
    ca_file: str | Path | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> "RemoteEngine | LocalAgent":
    """Return the agent's answers with the interface of an engine.

    *address* is ``unix:PATH``, ``http://HOST:PORT`` or ``https://…`` (then with *token* and *ca_file*); without it the
    one in ``GPURULES_ADDRESS``, else the agent's socket on this node. If there is none, and a *ruleset* is given, an
    engine in this process decides by it on this node's telemetry. The call does not wait for the agent: one that is
    down now is found when it starts.

    Units: *timeout*, of one decision, in seconds.

    Raises:
        AddressError: the address is not valid.
        GpurulesError: there is no agent on this node, and no valid ruleset was given.
    """
    found = address or find_address()
    if found is not None:
        return RemoteEngine(Link(read_address(found, ca_file), token, timeout))
    if ruleset is None:
        raise GpurulesError(
            "there is no agent on this node; start one with gpurules serve, set GPURULES_ADDRESS, or give a ruleset"
        )
    from gpurules.remote.local import LocalAgent  # polls a device, which most callers do not need

    return LocalAgent(ruleset)


def aconnect(
    address: str | None = None,
    *,
    token: str | None = None,
    ca_file: str | Path | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> "AsyncRemoteEngine":
    """Return the agent's answers for asyncio; see :func:`connect`.

    Raises:
        AddressError: the address is not valid.
        GpurulesError: there is no agent on this node.
    """
    from gpurules.remote.asynchronous import AsyncRemoteEngine  # asyncio is not needed otherwise

    remote = connect(address, token=token, ca_file=ca_file, timeout=timeout)
    assert isinstance(remote, RemoteEngine)
    return AsyncRemoteEngine(remote)
