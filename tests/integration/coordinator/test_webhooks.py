"""The action ``webhook`` against a real HTTP server."""

import hashlib
import hmac
import json
import logging
import socket
import time
from typing import Any

import pytest

from gpurules.actions import ActionError, Event
from gpurules.actions.effects.notification.delivery import DeliveryState, RefusedError, RetryLater
from gpurules.actions.effects.webhook import Webhook
from gpurules.engine.effects.outbox import Departure, Outbox
from tests.integration.coordinator.stand import Endpoint

SECRET_PATH = "/services/T0/SECRETTOKEN?key=SECRETKEY"


def event(url: str, **parameters: Any) -> Event:
    given = {"url": url, "timeout": 2.0, "headers": {}, "backoff": 1.0, **parameters}
    return Event("start", "hot", 1767225600.5, given, (0,), None, {"gpu_temperature": 91, "host": "node-1"}, {"a": "b"})


WRAPPED = ("[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::1]", "[::7f00:1]", "2130706433", "0x7f.1", "127.1")
"""Private addresses that do not look like it."""


def fails(happening: Event) -> str:
    with pytest.raises(ActionError) as caught:
        Webhook().start(happening)
    return str(caught.value)


def delivered(happening: Event) -> tuple[Departure, list[float]]:
    """Return how a queue ends the delivery, on a clock of its own, and how long it waited between attempts."""
    box, now, waits = Outbox(lambda: 0.0), 0.0, []
    box.put(Webhook(), happening, now)
    while True:
        parcel = box.take(now)
        if isinstance(parcel, float):
            waits.append(parcel)
            now += parcel
            continue
        assert parcel is not None
        try:
            Webhook().start(happening)
        except RetryLater as error:
            outcome = box.postpone(parcel, error, now)
        except ActionError as error:
            outcome = box.refuse(parcel, str(error))
        else:
            outcome = box.succeed(parcel)
        if outcome is not None:
            return outcome, waits


def test_the_event_is_posted_as_json(endpoint: Endpoint) -> None:
    Webhook().start(event(endpoint.url, headers={"X-Team": "storage"}))
    (got,) = endpoint.received
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["X-Team"] == "storage"
    assert got.data | {"id": ""} == {
        "id": "",
        "rule": "hot",
        "edge": "start",
        "timestamp": 1767225600.5,
        "started": None,
        "devices": [0],
        "transfer": None,
        "values": {"gpu_temperature": 91, "host": "node-1"},
        "annotations": {"a": "b"},
    }


def test_500_is_tried_again_later_each_time_under_the_same_key(endpoint: Endpoint) -> None:
    endpoint.statuses = [500, 503, 429, 200]
    outcome, waits = delivered(event(endpoint.url))
    assert (outcome.state, waits) == (DeliveryState.DELIVERED, [1, 1, 2]), "503 is of the receiver: the first such"
    assert len(endpoint.received) == 4
    assert len({got.headers["Idempotency-Key"] for got in endpoint.received}) == 1
    assert {got.data["id"] for got in endpoint.received} == {endpoint.received[0].headers["Idempotency-Key"]}


def test_429_is_tried_again_when_the_receiver_says(endpoint: Endpoint) -> None:
    def busy(handler: Any) -> None:
        endpoint.behave = None
        handler.wfile.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 42\r\nContent-Length: 0\r\n\r\n")

    endpoint.behave = busy
    outcome, waits = delivered(event(endpoint.url))
    assert (outcome.state, waits) == (DeliveryState.DELIVERED, [42])


def test_the_key_of_another_event_is_another(endpoint: Endpoint) -> None:
    from dataclasses import replace

    first = event(endpoint.url)
    for each in (first, replace(first, edge="stop"), replace(first, timestamp=first.timestamp + 1)):
        Webhook().start(each)
    assert len({got.headers["Idempotency-Key"] for got in endpoint.received}) == 3


def test_what_stays_500_fails_after_the_last_retry(endpoint: Endpoint) -> None:
    endpoint.statuses = [500]
    outcome, waits = delivered(event(endpoint.url, retries=2))
    assert "answered 500" in str(outcome.reason)
    assert (outcome.state, len(endpoint.received), waits) == (DeliveryState.FAILED, 3, [1, 2])


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(endpoint: Endpoint, status: int) -> None:
    endpoint.statuses = [status]
    with pytest.raises(RefusedError, match=str(status)):
        Webhook().start(event(endpoint.url))
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_wherever_it_leads(endpoint: Endpoint, status: int) -> None:
    def redirect(handler: Any) -> None:
        place = f"Location: http://127.0.0.1:{endpoint.port}/private\r\n"
        handler.wfile.write(f"HTTP/1.1 {status} Moved\r\n{place}Content-Length: 0\r\n\r\n".encode())

    endpoint.behave = redirect
    with pytest.raises(RefusedError, match=f"answered {status} Moved; redirects are not followed"):
        Webhook().start(event(endpoint.url))
    assert [got.path for got in endpoint.received] == ["/hook"]


def test_an_endpoint_that_is_down_fails_with_its_place(endpoint: Endpoint) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fails(event(f"http://127.0.0.1:{port}/x")) == f"http://127.0.0.1:{port}: Connection refused"


def test_a_slow_endpoint_is_given_up(endpoint: Endpoint) -> None:
    endpoint.behave = endpoint.hang
    began = time.monotonic()
    assert "no answer" in fails(event(endpoint.url, timeout=0.1))
    assert time.monotonic() - began < 1.5


def test_an_endpoint_that_drips_is_given_up(endpoint: Endpoint) -> None:
    def drip(handler: Any) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40:
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)  # each byte comes in time, the whole head does not

    endpoint.behave = drip
    began = time.monotonic()
    assert "no answer within 0.15 s" in fails(event(endpoint.url, timeout=0.15))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 204 No Content\r\nX: y\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    ],
)
def test_an_answer_that_is_cut_off_in_its_header_was_not_sent(endpoint: Endpoint, answer: bytes) -> None:
    endpoint.behave = lambda handler: handler.wfile.write(answer) and None
    with pytest.raises(RetryLater):
        Webhook().start(event(endpoint.url))
    assert len(endpoint.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\nX: y\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_an_answer_with_a_whole_header_was_sent(endpoint: Endpoint, answer: bytes) -> None:
    endpoint.behave = lambda handler: handler.wfile.write(answer) and None
    Webhook().start(event(endpoint.url))
    assert len(endpoint.received) == 1


def test_a_name_that_leads_elsewhere_after_the_check_is_never_looked_up_again(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = socket.getaddrinfo

    def rebound(host: object, *arguments: object, **named: object) -> object:
        if host != "rebind.example":
            return real(host, *arguments, **named)  # type: ignore[arg-type]
        asked.append(host)
        assert len(asked) == 1, "the name is looked up again, when it may lead to another address"
        return real("127.0.0.1", *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    Webhook().start(event(f"http://rebind.example:{endpoint.port}/hook"))
    (got,) = endpoint.received
    assert got.headers["Host"] == f"rebind.example:{endpoint.port}"


def test_of_several_addresses_only_public_ones_are_called(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, endpoint.port)) for address in ("127.0.0.1", "8.8.8.8")
    ]
    called: list[object] = []

    def connect(address: object, timeout: float) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    fails(event(f"http://mixed.example:{endpoint.port}/hook", deny_private=True))
    assert called == [("8.8.8.8", endpoint.port)]


def test_an_answer_that_is_no_http_fails(endpoint: Endpoint) -> None:
    endpoint.behave = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    assert "BadStatusLine" in fails(event(endpoint.url))


def test_localhost_is_reached_whichever_address_it_listens_at(endpoint: Endpoint) -> None:
    Webhook().start(event(f"http://localhost:{endpoint.port}/hook"))
    assert len(endpoint.received) == 1


def test_the_signature_is_the_hmac_of_the_body(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    Webhook().start(event(endpoint.url, secret_env="HOOK_SECRET"))
    (got,) = endpoint.received
    expected = hmac.new(b"s3cret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Gpurules-Signature-256"] == f"sha256={expected}"
    assert "s3cret" not in got.body.decode() + json.dumps(got.headers)


def test_without_the_secret_nothing_is_sent(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    assert "HOOK_SECRET" in fails(event(endpoint.url, secret_env="HOOK_SECRET"))
    assert endpoint.received == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", *WRAPPED],
)
def test_deny_private_refuses_private_addresses(endpoint: Endpoint, host: str) -> None:
    with pytest.raises(RefusedError, match="private"):
        Webhook().start(event(f"http://{host}:{endpoint.port}/hook", deny_private=True))
    assert endpoint.received == []


@pytest.mark.parametrize(
    "url",
    [
        "http://user:SECRETUSER@127.0.0.1:1" + SECRET_PATH,
        "http://127.0.0.1:1" + SECRET_PATH + " with space",
        "http://127.0.0.1:99999" + SECRET_PATH,
        "http://[broken" + SECRET_PATH,
        "http://" + "x" * 70 + ".example" + SECRET_PATH,
    ],
)
def test_what_may_be_secret_is_in_no_message(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert "SECRET" not in fails(event(url)) + caplog.text


def test_a_header_that_is_wrong_is_not_quoted(endpoint: Endpoint) -> None:
    assert "SECRET" not in fails(event(endpoint.url, headers={"Authorization": "Bearer\nSECRET"}))
