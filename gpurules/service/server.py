"""The entry point of the service: runs an agent's HTTP server around a coordinator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.engine import Coordinator
from gpurules.errors import UnavailableError
from gpurules.service.web.systemd import ReloadNotice

__all__ = ["ReloadNotice", "ServeOptions", "serve"]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where the service listens, and what protects it.

    Missing: no ``bind``: at the sockets that systemd gives, else at the default Unix socket; None: no token, no TLS,
    no recording store from which the past is answered.
    """

    bind: Sequence[str] = field(default=())
    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    has_page: bool = True
    history: str | None = None


@contextmanager
def serve(coordinator: Coordinator, options: ServeOptions, notice: ReloadNotice) -> Iterator[tuple[str, ...]]:
    """Answer requests meanwhile; yields the addresses at which that is done. *notice* is ended after each poll.

    Raises:
        UnavailableError: the extra ``serve`` is not installed.
        GpurulesError: it cannot listen there, or the token file is wrong.
        OSError: the token file cannot be read.
    """
    try:
        from gpurules.service.agent import Agent, AgentOptions
        from gpurules.service.web.access import AccessControl
        from gpurules.service.web.application import Application
        from gpurules.service.web.listeners import Security, open_listeners
        from gpurules.service.web.server import HTTPServer
    except ImportError:
        raise UnavailableError(
            "the service needs the modules starlette, uvicorn and msgspec; install them with "
            "pip install 'gpurules[serve]'"
        ) from None

    security = Security(options.token_file, options.certificate, options.key, options.behind_proxy)
    access = AccessControl(options.token_file)
    listeners = open_listeners(options.bind, security)
    agent = Agent(coordinator, AgentOptions(options.has_page, options.history))
    server = HTTPServer(Application(agent, access), agent, listeners, security)
    unsubscribe = coordinator.on_poll(lambda _: notice.end())
    try:
        server.start()
        yield tuple(listener.address for listener in listeners)
    finally:
        unsubscribe()
        server.stop()
        agent.close()
