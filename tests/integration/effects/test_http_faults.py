"""Every effect that calls over HTTP meets each way in which a receiver fails alike, and never says its secret."""

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpurules.actions import ACTIONS, ActionError, Effect, Event, is_effect
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from gpurules.rules import loads
from tests.integration.coordinator.stand import Endpoint

SECRET = "S3CRET-VALUE"
NAMES = ("webhook", "alertmanager", "pagerduty", "slack")


@pytest.fixture(params=NAMES)
def effect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Effect]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    action = ACTIONS.get(request.param)
    assert action is not None and is_effect(action)
    yield action


def event(effect: Effect, url: str, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> Event:
    place: dict[str, Any] = {"url": url}
    if effect.name == "slack":
        monkeypatch.setenv("HOOK_SECRET", f"{url}?token={SECRET}")
        place = {}
    given = {**place, "secret_env": "HOOK_SECRET", "timeout": 2.0, **parameters}
    return Event("start", "hot", 1767225600.0, given, (0,), None, {"gpu_temperature": 91, "host": "n1"}, started=1.0)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered_at_start_and_stop(effect: Effect, endpoint: Endpoint, monkeypatch: Any, status: int):
    endpoint.statuses = [status]
    start = event(effect, endpoint.url, monkeypatch)
    effect.start(start)
    effect.stop(replace(start, edge="stop"))
    assert len(endpoint.received) == 2
    assert endpoint.received[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 301, 302, 307, 308])
def test_a_refusal_and_a_redirect_are_final(effect: Effect, endpoint: Endpoint, monkeypatch: Any, status: int):
    endpoint.statuses = [status]
    with pytest.raises(RefusedError, match=str(status)):
        effect.start(event(effect, endpoint.url, monkeypatch))
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_later(effect: Effect, endpoint: Endpoint, monkeypatch: Any, status: int):
    endpoint.statuses = [status]
    with pytest.raises(RetryLater, match=str(status)) as caught:
        effect.start(event(effect, endpoint.url, monkeypatch))
    assert caught.value.of_receiver == (status in (429, 503))


def test_a_receiver_that_is_down_is_tried_later(effect: Effect, monkeypatch: Any):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(RetryLater, match="refused") as caught:
            effect.start(event(effect, f"http://127.0.0.1:{free.getsockname()[1]}/x", monkeypatch))
    assert caught.value.of_receiver


def test_a_receiver_that_hangs_is_tried_later(effect: Effect, monkeypatch: Any):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(RetryLater, match=r"no answer"):
            effect.start(event(effect, f"http://127.0.0.1:{silent.getsockname()[1]}/x", monkeypatch, timeout=0.1))


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 2", b"\x00" * 100])
def test_an_answer_that_is_not_http_is_tried_later(effect: Effect, endpoint: Endpoint, monkeypatch: Any, answer: bytes):
    endpoint.behave = lambda handler: handler.wfile.write(answer) and None
    with pytest.raises(RetryLater):
        effect.start(event(effect, endpoint.url, monkeypatch))


def test_an_endless_answer_takes_no_memory(effect: Effect, endpoint: Endpoint, monkeypatch: Any):
    gone = threading.Event()

    def endless(handler: Any) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            gone.set()

    endpoint.behave = endless
    effect.start(event(effect, endpoint.url, monkeypatch))
    assert gone.wait(5), "the connection is closed after the part that is read"


@pytest.mark.parametrize("url", ["http://[broken", "http://127.0.0.1:99999/x"])
def test_a_url_that_cannot_be_called_is_final(effect: Effect, monkeypatch: Any, url: str):
    with pytest.raises(RefusedError):
        effect.start(event(effect, url, monkeypatch))


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_the_secret_is_in_no_error_log_or_repr(
    effect: Effect, endpoint: Endpoint, monkeypatch: Any, status: int, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    endpoint.statuses = [status]
    made = event(effect, endpoint.url, monkeypatch)
    reported = ""
    try:
        effect.start(made)
    except ActionError as error:
        reported = f"{error!r} {error.__cause__!r}"
    assert SECRET not in reported + caplog.text + repr(made)


def test_a_secret_that_is_not_in_the_environment_is_named(effect: Effect, endpoint: Endpoint, monkeypatch: Any):
    made = event(effect, endpoint.url, monkeypatch)
    monkeypatch.delenv("HOOK_SECRET")
    with pytest.raises(ActionError, match="HOOK_SECRET") as caught:
        effect.start(made)
    assert not isinstance(caught.value, RetryLater) and endpoint.received == []


def test_a_secret_file_is_read_at_each_attempt(effect: Effect, endpoint: Endpoint, monkeypatch: Any, tmp_path: Path):
    path = tmp_path / "secret"
    made = event(effect, endpoint.url, monkeypatch)
    given = {name: value for name, value in made.parameters.items() if name != "secret_env"}
    made = replace(made, parameters={**given, "secret_file": str(path)})
    with pytest.raises(RetryLater, match="cannot be read"):
        effect.start(made)
    for token in ("first", "second"):
        path.write_text(f"{endpoint.url}?{token}\n" if effect.name == "slack" else f"{token}\n")
        effect.start(made)
    sent = [f"{got.path} {got.headers} {got.body!r}" for got in endpoint.received]
    assert len(sent) == 2 and sent[0] != sent[1], "the new one is used at once"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\x00\x01"])
def test_a_secret_file_without_a_usable_secret_fails_before_anything_is_sent(
    effect: Effect, endpoint: Endpoint, monkeypatch: Any, tmp_path: Path, content: bytes
):
    (tmp_path / "secret").write_bytes(content)
    made = event(effect, endpoint.url, monkeypatch)
    given = {name: value for name, value in made.parameters.items() if name != "secret_env"}
    with pytest.raises(ActionError, match="secret"):
        effect.start(replace(made, parameters={**given, "secret_file": str(tmp_path / "secret")}))
    assert endpoint.received == []


@pytest.mark.parametrize("place", ["/dev/zero", "/dev", "a\x00b"])
def test_a_secret_file_that_is_no_file_is_tried_later_and_never_hangs(
    effect: Effect, endpoint: Endpoint, monkeypatch: Any, place: str
):
    made = event(effect, endpoint.url, monkeypatch)
    given = {name: value for name, value in made.parameters.items() if name != "secret_env"}
    with pytest.raises(RetryLater, match="cannot be read"):
        effect.start(replace(made, parameters={**given, "secret_file": place}))


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("webhook", "{url: 'http://a', secret_env: A, secret_file: b}", "GPR505"),
        ("webhook", "{url: 'http://a', headers: {X: {prefix: b}}}", "GPR503"),
        ("webhook", "{url: 'http://a', headers: {X: {secret_env: A, secret_file: b}}}", "GPR505"),
        ("webhook", "{url: 'http://a', body: {text: '{gpu_temprature}'}}", "GPR509"),
        ("webhook", "{url: 'http://a', body: {a: [{b: '{{ $labels.gpu }}'}]}}", "GPR509"),
        ("webhook", "{url: 'http://a', body: text}", "GPR403"),
        ("webhook", "{url: 'http://a', grouping: rack}", "GPR504"),
        ("webhook", "{url: 'http://a', repeat_every: 10ms}", "GPR504"),
        ("webhook", "{url: 'http://a', on: [start, repeat]}", "GPR504"),
        ("alertmanager", "{}", "GPR503"),
        ("alertmanager", "{url: 'alertmanager:9093'}", "GPR504"),
        ("alertmanager", "{url: 'http://a', repeat_every: 5m}", "GPR505"),
        ("alertmanager", "{url: 'http://a', resolve_after: 30s}", "GPR505"),
        ("alertmanager", "{url: 'http://a', labels: {'a-b': c}}", "GPR504"),
        ("alertmanager", "{url: 'http://a', labels: {a: '{nope}'}}", "GPR509"),
        ("pagerduty", "{}", "GPR503"),
        ("pagerduty", "{secret_env: A, severity: fatal}", "GPR504"),
        ("slack", "{}", "GPR503"),
        ("slack", "{secret_env: A, url: 'http://a'}", "GPR502"),
    ],
)
def test_wrong_parameters_are_findings_with_place(action: str, parameters: str, code: str):
    from gpurules import RulesetError

    rule = f"{{name: a, condition: gpu_memory > 1, action: {action}, parameters: {parameters}}}"
    text = f"version: 1\nname: t\nrules: [{rule}]"
    with pytest.raises(RulesetError) as caught:
        loads(text)
    found = [(d.code, d.line) for d in caught.value.diagnostics]
    assert (code, 3) in found, caught.value.diagnostics
    assert all(d.column > 40 for d in caught.value.diagnostics)
