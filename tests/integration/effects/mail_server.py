"""A stand-in for an SMTP server: it keeps the mail that it takes, and answers as the test says."""

import base64
import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

from tests.integration.effects.certificates import Certificate


@dataclass
class MailServer:
    """Speaks SMTP on a port of the loopback.

    ``replies`` replaces the reply to a command (``MAIL``, ``DATA``, …); ``hangs_at`` is the command, or ``greeting``,
    after which nothing more is said; ``drips_at`` the one whose reply comes a byte at a time, for ever.
    """

    certificate: Certificate | None = None
    tls: str = "starttls"
    replies: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    hangs_at: str = ""
    drips_at: str = ""
    messages: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._is_closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(raw)
            self._start(self._serve, raw)

    def _serve(self, raw: socket.socket) -> None:
        connection: socket.socket = raw
        try:
            if self.tls == "implicit":
                connection = self._secured(raw)
            self._talk(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _secured(self, raw: socket.socket) -> ssl.SSLSocket:
        assert self.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.cert, self.certificate.key)
        secured = context.wrap_socket(raw, server_side=True)
        self._open.append(secured)
        return secured

    def _say(self, connection: socket.socket, command: str, reply: str) -> None:
        text = (self.replies.get(command, reply) + "\r\n").encode()
        if self.hangs_at == command:
            self._is_closed.wait(30)
        if self.drips_at == command:
            while not self._is_closed.is_set():
                connection.sendall(b"2")
                time.sleep(0.02)  # the pace of a slow server is what clients measure
        connection.sendall(text)

    def _talk(self, connection: socket.socket) -> None:
        self._say(connection, "greeting", "220 stand-in")
        is_secure = self.tls == "implicit"
        recipients: list[str] = []
        while line := _line(connection):
            command, _, rest = line.partition(" ")
            match command.upper():
                case "EHLO" | "HELO":
                    offers = ["250-stand-in"] + ["250-STARTTLS"] * (self.tls == "starttls" and not is_secure)
                    self._say(connection, "EHLO", "\r\n".join([*offers, "250 AUTH PLAIN LOGIN"]))
                case "STARTTLS":
                    self._say(connection, "STARTTLS", "220 go")
                    connection, is_secure = self._secured(connection), True
                case "AUTH":
                    self.logins.append(base64.b64decode(rest.split()[-1]).decode())
                    self._say(connection, "AUTH", "235 yes")
                case "MAIL":
                    recipients = []
                    self._say(connection, "MAIL", "250 yes")
                case "RCPT":
                    is_refused = any(name in rest for name in self.refused)
                    recipients += [] if is_refused else [rest.partition("<")[2].partition(">")[0]]
                    self._say(connection, "RCPT", "550 no such user" if is_refused else "250 yes")
                case "DATA":
                    connection.sendall(b"354 go\r\n")
                    text = []
                    while (part := _line(connection)) not in (".", ""):
                        text.append(part)
                        if part == "" and not text:
                            break
                    self.messages.append("\n".join(text))
                    self.recipients.append(recipients)
                    self.secure.append(is_secure)
                    self._say(connection, "DATA", "250 taken")
                case "QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                case _:
                    connection.sendall(b"250 yes\r\n")

    def close(self) -> None:
        """End every connection, and wait for the threads."""
        self._is_closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for one in self._open:
            one.close()


def _line(connection: socket.socket) -> str:
    data = b""
    while not data.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return data.decode(errors="replace").strip()
        data += byte
    text = data.decode(errors="replace").rstrip("\r\n")
    return text or " "
