"""E-mail over SMTP with TLS; the notifications of an episode are one thread."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from gpurules.actions.action import ActionKind, Complaint, Edge, Event, Parameters, Schema, notifications, numeric
from gpurules.actions.effects.notification.delivery import RETRIES, episode_id, event_id
from gpurules.actions.effects.notification.messages import event_text, shown_values
from gpurules.actions.effects.notification.parameters import check_secret, secret, secret_of, timeout

if TYPE_CHECKING:
    from email.message import EmailMessage

_SUBJECT = "[gpurules] {rule} on {host}: {edge}"
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_ADDRESS = '^[^@\\s<>,;"]+@[^@\\s<>,;"]+$'


class Mail:
    """Each notification is one message."""

    name = "email"
    kind = ActionKind.EFFECT
    summary = "Sends an e-mail when the rule starts to match, changes its GPUs, or stops."
    on: frozenset[Edge] = frozenset({"start", "stop"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "server": {
                "type": "string",
                "pattern": "^[A-Za-z0-9._-]+(:[0-9]{1,5})?$",
                "description": "SMTP server, with its port if it is not the usual one of the kind of TLS.",
                "examples": ["smtp.example.org:587"],
            },
            "tls": {
                "type": "string",
                "enum": list(_PORTS),
                "default": "starttls",
                "description": "TLS after STARTTLS (port 587), from the beginning (465), or none (25).",
                "examples": ["implicit"],
            },
            "ca_file": {
                "type": "string",
                "description": "Certificates (PEM) that the server's is checked against; by default the system's.",
                "examples": ["/etc/ssl/site.pem"],
            },
            "user": {"type": "string", "description": "User to log in as; by default no login.", "examples": ["gpu"]},
            "from": {
                "type": "string",
                "pattern": _ADDRESS,
                "description": "Sender address.",
                "examples": ["gpurules@example.org"],
            },
            "to": {
                "type": "array",
                "items": {"type": "string", "pattern": _ADDRESS},
                "minItems": 1,
                "maxItems": 50,
                "description": "Addresses of the recipients.",
                "examples": [["oncall@example.org"]],
            },
            "subject": {
                "type": "string",
                "x-template": True,
                "default": _SUBJECT,
                "description": "Subject, with placeholders.",
                "examples": ["GPU {devices} of {host} at {gpu_temperature}"],
            },
            "message": {
                "type": "string",
                "x-template": True,
                "description": "Text, with placeholders; by default the values that the rule reads.",
                "examples": ["GPU {devices} of {host} at {gpu_temperature}"],
            },
            "timeout": timeout(20),
            **notifications(["start", "stop"]),
            **secret("the password", "SMTP_PASSWORD"),
            **RETRIES,
        },
        "required": ["server", "from", "to"],
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a login without a password, one without TLS, and a password without a user."""
        yield from check_secret(parameters, "the password of the user" if "user" in parameters else None)
        has_secret = "secret_env" in parameters or "secret_file" in parameters
        if has_secret and "user" not in parameters:
            yield Complaint("", "GPR503", "a password needs the user that it is of; add user")
        if has_secret and parameters.get("tls") == "none":
            yield Complaint("tls", "GPR505", "without TLS the password would be readable on the way; use starttls")

    def start(self, event: Event) -> None:
        """Send the message.

        Raises:
            RetryLater: the server cannot be reached, or asks to try later (4xx).
            ActionError: the server refused it for good (5xx), or the message cannot be made.
        """
        from gpurules.actions.effects.transport.smtp import Mailbox, send_mail  # the network, which few rulesets need

        given = event.parameters
        password, user, ca_file = secret_of(given), given.get("user"), given.get("ca_file")
        tls = str(given.get("tls", "starttls"))
        host, _, port = str(given.get("server")).partition(":")
        mailbox = Mailbox(
            host,
            int(port) if port else _PORTS[tls],
            tls,
            ca_file if isinstance(ca_file, str) else None,
            (user, password) if isinstance(user, str) and password is not None else None,
        )
        send_mail(mailbox, _message(event), numeric(given, "timeout") or 20.0)

    def stop(self, event: Event) -> None:
        """Send the message."""
        self.start(event)


def _message(event: Event) -> "EmailMessage":
    from datetime import UTC, datetime
    from email.message import EmailMessage
    from email.utils import format_datetime

    given = event.parameters
    subject = event_text(event, str(given.get("subject", _SUBJECT)))
    domain = str(given.get("from")).partition("@")[2]
    made = EmailMessage()
    made["From"], made["Subject"] = str(given.get("from")), " ".join(subject.split())
    listed = given.get("to")
    made["To"] = ", ".join(map(str, listed if isinstance(listed, list | tuple) else ()))
    made["Date"] = format_datetime(datetime.fromtimestamp(event.timestamp, UTC))
    made["Message-ID"] = f"<{event_id(event)}@{domain}>"
    made["References"] = f"<{episode_id(event)}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    text = given.get("message")
    if isinstance(text, str):
        made.set_content(event_text(event, text) + "\n")
    else:
        rows = [f"{name}: {value}" for name, value in shown_values(event).items()]
        made.set_content("\n".join([subject, "", *rows]) + "\n")
    return made
