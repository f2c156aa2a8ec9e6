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
    """The addresses of the service, and its protection.

    Missing: no ``bind``: the sockets passed by systemd, else the default Unix socket; None: no token, no TLS, no
    recording store for queries of the past.
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
    """Serve requests during the context, and yield the addresses; *notice* is ended after each poll.

    Raises:
        UnavailableError: the extra ``serve`` is not installed.
        GpurulesError: it cannot listen at an address, or the token file is invalid.
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
