"""The door to SMTP: one message, within one time limit, under TLS that is verified."""

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

from gpurules.actions.action import ActionError
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from gpurules.actions.effects.transport.time_limit import TimeLimit


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where to send mail from. ``tls`` is ``starttls``, ``implicit`` or ``none``.

    Missing: ``ca_file`` None: the certificates of the system; ``login`` (user, password) None: no login.
    """

    host: str
    port: int
    tls: str
    ca_file: str | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The server, for messages."""
        return f"{self.host}:{self.port}"


class _Server(smtplib.SMTP):
    """A connection that a time limit can cut at any point: while it greets, shakes hands, or is quiet."""

    def __init__(self, mailbox: Mailbox, context: ssl.SSLContext | None, limit: TimeLimit, seconds: float) -> None:
        self._limit = limit
        self._context = context if mailbox.tls == "implicit" else None
        super().__init__(mailbox.host, mailbox.port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        raw = self._limit.watch(socket.create_connection((host, port), timeout))
        self._limit.watch(raw.dup())  # wrapping takes the socket over, and a copy stays the same connection
        return raw if self._context is None else self._limit.watch(self._context.wrap_socket(raw, server_hostname=host))


def send_mail(mailbox: Mailbox, message: EmailMessage, seconds: float) -> None:
    """Send *message*.

    Units: *seconds* for the whole exchange.

    Raises:
        RetryLater: a later attempt may succeed.
        ActionError: the server refused the message, or some of its recipients, for good.
    """
    place = mailbox.place
    with TimeLimit(seconds) as limit:
        try:
            refused = _exchange(mailbox, message, limit, seconds)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if limit.is_over or isinstance(error, TimeoutError):
                raise RetryLater(f"{place}: no answer within {seconds:g} s", of_receiver=True) from None
            raise _failed(place, error) from None
    if refused:
        raise ActionError(f"{place} refused {len(refused)} of the recipients")


def _exchange(mailbox: Mailbox, message: EmailMessage, limit: TimeLimit, seconds: float) -> dict[str, object]:
    """Send *message*, and return the recipients that are refused while others are not."""
    context = None if mailbox.tls == "none" else ssl.create_default_context(cafile=mailbox.ca_file)
    server = _Server(mailbox, context, limit, seconds)
    try:
        if mailbox.tls == "starttls":
            server.starttls(context=context)
        if mailbox.login is not None:
            server.login(*mailbox.login)
        refused: dict[str, object] = dict(server.send_message(message))
        return refused
    finally:
        server.close()


def _failed(place: str, error: Exception) -> ActionError:
    """Return what a failure means: 4xx may succeed later, 5xx is final. The words of the server may quote a secret."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _refused(place, min(codes, default=550), "every recipient is refused")
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(place, error.smtp_code, type(error).__name__)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return RefusedError(f"{place}: {error}")
    reason = getattr(error, "verify_message", None) or (isinstance(error, OSError) and error.strerror)
    return RetryLater(f"{place}: {reason or type(error).__name__}", of_receiver=True)


def _refused(place: str, code: int, what: str) -> ActionError:
    message = f"{place} answered {code} ({what})"
    return RefusedError(message) if code >= 500 else RetryLater(message, of_receiver=code == 421)
