"""The listeners of an agent: Unix sockets, TCP with or without TLS, and inherited sockets."""

import contextlib
import errno
import fcntl
import ipaddress
import os
import socket
import ssl
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gpurules.errors import GpurulesError

SOCKET_MODE = 0o660
BACKLOG = 2048
FIRST_GIVEN = 3
"""The descriptor of the first socket that systemd gives (sd_listen_fds(3))."""


class BindError(GpurulesError):
    """The agent cannot listen at an address."""


@dataclass(frozen=True, slots=True)
class Security:
    """The protection of TCP listeners. Missing: None: not used."""

    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context.

        Raises:
            BindError: the certificate or its key cannot be used.
        """
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise BindError(f"the certificate {self.certificate} cannot be used: {error}") from None
        return context


@dataclass(slots=True)
class Listener:
    """A listening socket and its displayed address. Missing: ``path`` None: it has no file that the agent created."""

    socket: socket.socket
    address: str
    is_tls: bool = False
    path: Path | None = None
    lock: int | None = None

    def close(self) -> None:
        """Stop listening, and remove the socket file; holding the lock proves that it is this agent's."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.socket.close()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def default_address() -> str:
    """Return the default address of an agent of this user."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if os.geteuid() == 0 or not folder:
        return "unix:/run/gpurules/agent.sock"
    return f"unix:{folder}/gpurules/agent.sock"


def given_sockets() -> int:
    """Return the number of sockets that systemd passed to this process, and take ownership of them."""
    try:
        is_ours = int(os.environ.get("LISTEN_PID", "")) == os.getpid()
        count = int(os.environ.get("LISTEN_FDS", "")) if is_ours else 0
    except ValueError:
        return 0
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    return max(0, count)


def open_listeners(addresses: Iterable[str], security: Security) -> list[Listener]:
    """Open a listener at each of *addresses* (``unix:PATH``, ``tcp:HOST:PORT``, ``fd:N``).

    Without addresses: the sockets passed by systemd, else the default.

    Raises:
        BindError: the agent cannot listen at one of them; none is left open.
    """
    wanted = list(addresses) or [f"fd:{FIRST_GIVEN + number}" for number in range(given_sockets())]
    opened: list[Listener] = []
    try:
        for address in wanted or [default_address()]:
            opened.append(_open(address, security))
    except BindError:
        for listener in opened:
            listener.close()
        raise
    return opened


def _open(address: str, security: Security) -> Listener:
    kind, _, rest = address.partition(":")
    try:
        if kind == "unix" and rest:
            return _unix(Path(rest))
        if kind == "tcp" and ":" in rest:
            return _tcp(rest, security)
        if kind == "fd" and rest.isdecimal():
            return _given(int(rest), security)
    except OSError as error:
        raise BindError(f"cannot listen at {address}: {error.strerror or error}") from None
    raise BindError(f"{address!r} is not an address; write unix:PATH, tcp:HOST:PORT or fd:N")


def _unix(path: Path) -> Listener:
    if len(os.fsencode(path)) > 107:
        raise BindError(f"the path of the socket is longer than 107 bytes: {path}")
    _make_folder(path.parent)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BindError(f"another agent listens at {path}; stop it, or give this one another --bind") from None
        _remove_stale(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o777 & ~SOCKET_MODE)
        try:
            listening.bind(os.fspath(path))
        finally:
            os.umask(before)
        path.chmod(SOCKET_MODE)
        listening.listen(BACKLOG)
        return Listener(listening, f"unix:{path}", path=path, lock=lock)
    except BaseException:
        os.close(lock)
        raise


def _make_folder(folder: Path) -> None:
    """Create the folder of a socket, with access for this user's group; an existing one is not changed."""
    if not folder.is_dir():
        try:
            folder.mkdir(mode=0o750, parents=True)
        except PermissionError:
            remedy = "run as root, or bind elsewhere: --bind unix:PATH"
            raise BindError(f"the folder {folder} of the socket cannot be created; {remedy}") from None


def _remove_stale(path: Path) -> None:
    """Remove the socket of a dead agent; refuse if an agent responds at it, or it is not a socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(f"{path} exists, but is not a socket; remove it, or bind elsewhere")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENOENT):
                raise
        else:
            raise BindError(f"another program listens at {path}; stop it, or bind elsewhere")
    path.unlink(missing_ok=True)


def _tcp(rest: str, security: Security) -> Listener:
    host, _, port = rest.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise BindError(f"{port!r} is not a port; write tcp:HOST:PORT")
    family, _, _, _, where = _resolved(host, int(port))
    _check_exposure(str(where[0]), security)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    bound = listening.getsockname()
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    is_tls = security.certificate is not None
    return Listener(listening, f"{'https' if is_tls else 'http'}://{shown}:{bound[1]}", is_tls)


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]:
    try:
        return socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise BindError(f"unknown host {host!r}: {error}") from None


def _check_exposure(host: str, security: Security) -> None:
    """Refuse to listen for other machines without a token and TLS."""
    if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return
    lacking = [
        *(["--token-file"] if security.token_file is None else []),
        *(["--tls-cert and --tls-key"] if security.certificate is None and not security.behind_proxy else []),
    ]
    if lacking:
        proxy = "" if security.behind_proxy else " (or --behind-proxy, if a proxy terminates TLS)"
        raise BindError(f"{host} can be reached from other machines, which requires {' and '.join(lacking)}{proxy}")


def _given(number: int, security: Security) -> Listener:
    listening = socket.socket(fileno=number)
    if listening.type & socket.SOCK_STREAM == 0 or not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listening.detach()
        raise BindError(f"fd:{number} is not a listening stream socket")
    os.set_inheritable(number, False)
    if listening.family == socket.AF_UNIX:
        return Listener(listening, f"unix:{listening.getsockname()}")
    host, port = listening.getsockname()[:2]
    _check_exposure(host, security)
    is_tls = security.certificate is not None
    return Listener(listening, f"{'https' if is_tls else 'http'}://{host}:{port}", is_tls)
