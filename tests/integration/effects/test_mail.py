"""The action ``email`` against a stand-in for an SMTP server."""

import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest

from gpurules.actions import ActionError, Event
from gpurules.actions.effects.mail import Mail
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from gpurules.model import Dimension
from tests.integration.effects.certificates import Certificate, make_certificate
from tests.integration.effects.mail_server import MailServer

PASSWORD = "p4ssword"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)


@pytest.fixture
def server(certificate: Certificate) -> Iterator[MailServer]:
    made = MailServer(certificate)
    yield made
    made.close()


def event(server: MailServer, certificate: Certificate, edge: Any = "start", **parameters: Any) -> Event:
    given = {
        "server": f"localhost:{server.port}", "tls": server.tls, "ca_file": str(certificate.cert), "timeout": 3.0,
        "from": "gpurules@example.org", "to": ["a@example.org", "b@example.org"],
    } | parameters  # fmt: skip
    values = {"gpu_temperature": 91, "host": "node-7"}
    made = Event(
        edge, "hot", 1767225600.0, given, (0,), None, values, dimensions={"gpu_temperature": Dimension.CELSIUS}
    )
    return replace(made, started=1767225600.0)


def mail(server: MailServer, number: int = 0) -> Any:
    return message_from_string(server.messages[number], policy=policy.default)


def test_a_message_is_sent_over_tls_after_a_login(server: MailServer, certificate: Certificate):
    Mail().start(event(server, certificate, user="gpu", secret_env="SMTP_PASSWORD", subject="GPU {devices} hot"))
    assert (server.secure, server.logins) == ([True], [f"\0gpu\0{PASSWORD}"])
    assert server.recipients == [["a@example.org", "b@example.org"]]
    got = mail(server)
    assert (got["Subject"], got["From"], got["Auto-Submitted"]) == (
        "GPU 0 hot",
        "gpurules@example.org",
        "auto-generated",
    )
    assert "gpu_temperature: 91 C" in got.get_content()
    assert PASSWORD not in server.messages[0]


def test_the_messages_of_an_episode_are_a_thread_and_each_attempt_is_the_same_message(
    server: MailServer, certificate: Certificate
):
    start = event(server, certificate)
    Mail().start(start)
    Mail().start(start)
    Mail().stop(replace(start, edge="stop", timestamp=1767225700.0))
    mails = [mail(server, number) for number in range(3)]
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"] != mails[2]["Message-ID"]
    assert len({one["References"] for one in mails}) == 1
    assert mails[2]["Subject"] == "[gpurules] hot on node-7: stop"


def test_implicit_tls(certificate: Certificate):
    server = MailServer(certificate, tls="implicit")
    try:
        Mail().start(event(server, certificate))
        assert server.secure == [True]
    finally:
        server.close()


def test_a_subject_cannot_add_headers(server: MailServer, certificate: Certificate):
    made = event(server, certificate, subject="{host}", message="{host}")
    Mail().start(replace(made, values={"host": "x\r\nBcc: evil@example.org\n\nbody ü"}))
    got = mail(server)
    assert got["Bcc"] is None and got["Subject"] == "x Bcc: evil@example.org body ü"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_another_is_refused_before_the_login(certificate: Certificate, tls: str, tmp_path: Path):
    server = MailServer(certificate, tls=tls)
    other = make_certificate(tmp_path)
    try:
        with pytest.raises(RetryLater, match="certificate"):
            Mail().start(event(server, other, user="gpu", secret_env="SMTP_PASSWORD"))
        assert (server.logins, server.messages) == ([], [])
    finally:
        server.close()


def test_a_server_without_starttls_gets_no_password(server: MailServer, certificate: Certificate):
    server.tls = "none"
    with pytest.raises(RefusedError, match="STARTTLS"):
        Mail().start(event(server, certificate, tls="starttls", user="gpu", secret_env="SMTP_PASSWORD"))
    assert (server.logins, server.messages) == ([], [])


@pytest.mark.parametrize("command", ["greeting", "MAIL", "RCPT", "DATA", "AUTH"])
@pytest.mark.parametrize(("code", "error"), [(450, RetryLater), (421, RetryLater), (550, RefusedError)])
def test_4xx_is_tried_later_and_5xx_is_final(
    server: MailServer, certificate: Certificate, command: str, code: int, error: type[ActionError]
):
    server.replies[command] = f"{code} {PASSWORD} is not right"
    with pytest.raises(error, match=str(code)) as caught:
        Mail().start(event(server, certificate, user="gpu", secret_env="SMTP_PASSWORD"))
    assert PASSWORD not in repr(caught.value) and type(caught.value) is error
    assert server.messages == [] or command == "DATA"


def test_recipients_that_are_refused_are_counted_and_the_others_get_it(server: MailServer, certificate: Certificate):
    server.refused = ("b@",)
    with pytest.raises(ActionError, match="refused 1 of the recipients"):
        Mail().start(event(server, certificate))
    assert server.recipients == [["a@example.org"]]


@pytest.mark.parametrize("command", ["greeting", "EHLO", "STARTTLS", "DATA"])
@pytest.mark.parametrize("how", ["hangs_at", "drips_at"])
def test_a_server_that_hangs_or_drips_is_left_in_time(
    server: MailServer, certificate: Certificate, command: str, how: str
):
    setattr(server, how, command)
    began = time.monotonic()
    with pytest.raises(RetryLater):
        Mail().start(event(server, certificate, timeout=0.3))
    assert time.monotonic() - began < 3


def test_a_server_that_is_down_is_tried_later(certificate: Certificate):
    server = MailServer(certificate)
    server.close()
    with pytest.raises(RetryLater, match="refused"):
        Mail().start(event(server, certificate))


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"user": "gpu"}, "GPR503"),
        ({"secret_env": "A"}, "GPR503"),
        ({"user": "gpu", "secret_env": "A", "tls": "none"}, "GPR505"),
        ({"user": "gpu", "secret_env": "A", "secret_file": "b"}, "GPR505"),
    ],
)
def test_a_login_that_cannot_work_or_leaks_is_found(parameters: dict[str, Any], code: str):
    assert code in [complaint.code for complaint in Mail().check(parameters)]
