"""A request that comes whole is answered without a task of its own; what is answered is the same either way."""

import re
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.service.agents import RunningAgent

DECIDE = b'{"transfer":{"id":"t","path":"/data/a.tar","size":2147483648}}'


def message(head: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [head, "Host: x", "X-Request-Id: same", *(f"{n.replace('_', '-')}: {v}" for n, v in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def exchanged(agent: RunningAgent, *pieces: bytes, ends: int = 1) -> bytes:
    """Return all that is answered to *pieces* until *ends* answers have come; what moves with time is left out."""
    connection = agent.connection()
    with closing(connection):
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        data = b""
        for number, piece in enumerate(pieces):
            connection.sock.sendall(piece)
            if number + 1 < len(pieces):  # the agent has read this piece when it has answered someone else
                agent.ask("GET", "/healthz")
        while data.count(b"HTTP/1.1 ") < ends or not _is_whole(data):
            more = connection.sock.recv(1 << 20)
            if not more:
                break
            data += more
    data = re.sub(rb"date: [^\r]*\r\n", b"", data)
    return re.sub(rb'"(snapshot_time|telemetry_age|clock|polls|revision)":[0-9.e+]+', b"", data)


def _is_whole(data: bytes) -> bool:
    head, found, body = data[data.rfind(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(found) and length is not None and len(body) >= int(length[1])


def same(answer: bytes) -> bytes:
    """Return an answer with its headers in one order, and without its length, which times change."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"content-length")]
    return b"\r\n".join([lines[0], *sorted(lines[1:]), body])


@pytest.mark.parametrize(
    ("head", "body", "headers", "status"),
    [
        ("POST /v1/decide HTTP/1.1", DECIDE, {}, 200),
        ("POST /v1/decide HTTP/1.1", DECIDE, {"Content_Type": "application/json; charset=utf-8"}, 200),
        ("POST /v1/decide HTTP/1.1", DECIDE, {"Connection": "close"}, 200),
        ("POST /v1/decide HTTP/1.0", DECIDE, {}, 200),
        ("POST /v1/decide HTTP/1.1", DECIDE[:-1], {}, 400),
        ("POST /v1/decide HTTP/1.1", b'{"transfer":{"pth":1}}', {}, 400),
        ("POST /v1/decide HTTP/1.1", DECIDE, {"Content_Type": "text/plain"}, 415),
        ("POST /v1/decide?x=1 HTTP/1.1", DECIDE, {}, 400),
        ("POST /v1/decide HTTP/1.1", b" " * (1 << 20) + b"{}", {}, 413),
        ("PATCH /v1/decide HTTP/1.1", DECIDE, {}, 405),
        ("POST /v1/nothing HTTP/1.1", DECIDE, {}, 404),
        ("GET /v1/events?limit=0 HTTP/1.1", b"{}", {}, 400),
        ("GET /healthz HTTP/1.1", b"x", {}, 200),
    ],
)  # fmt: skip
def test_an_answer_does_not_depend_on_how_a_request_is_cut(
    agent: RunningAgent, head: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    whole = message(head, body, **headers)
    answer = exchanged(agent, whole)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    places = (5, whole.index(b"\r\n\r\n") + 4, len(whole) - 1)
    assert {same(exchanged(agent, whole[:at], whole[at:])) for at in places} == {same(answer)}


def test_a_chunked_body_is_answered_like_one_of_a_given_length(agent: RunningAgent) -> None:
    chunked = message("POST /v1/decide HTTP/1.1", Transfer_Encoding="chunked")
    chunked += b"%x\r\n%s\r\n0\r\n\r\n" % (len(DECIDE), DECIDE)
    assert same(exchanged(agent, chunked)) == same(exchanged(agent, message("POST /v1/decide HTTP/1.1", DECIDE)))


def test_a_client_that_asks_first_whether_to_send_its_body_is_answered(agent: RunningAgent) -> None:
    whole = message("POST /v1/decide HTTP/1.1", DECIDE, Expect="100-continue")
    answer = exchanged(agent, whole, ends=2)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_requests_that_come_together_keep_their_order_whatever_they_are(agent: RunningAgent) -> None:
    asked = [
        message("GET /healthz HTTP/1.1"),
        message("GET /v1/rules?limit=1 HTTP/1.1"),
        message("POST /v1/decide HTTP/1.1", b"{"),
        message("POST /v1/decide:batch HTTP/1.1", b"[]"),
        message("POST /v1/decide HTTP/1.1", DECIDE),
        message("GET /v1/nothing HTTP/1.1"),
    ]
    for turn in range(len(asked)):
        order = (asked[turn:] + asked[:turn]) * 3
        answer = exchanged(agent, b"".join(order), ends=len(order))
        statuses = [200, 200, 400, 200, 200, 404]
        expected = (statuses[turn:] + statuses[:turn]) * 3
        assert [int(one) for one in re.findall(rb"HTTP/1.1 (\d+)", answer)] == expected


def test_a_client_that_reads_no_answers_is_not_buffered_for(agent: RunningAgent) -> None:
    before = _resident(agent)
    connection = agent.connection(timeout=0.5)
    with closing(connection):
        connection.connect()
        sent, block = 0, message("GET /openapi.json HTTP/1.1") * 100
        try:
            for _ in range(2000):
                connection.sock.sendall(block)
                sent += 1
        except TimeoutError:
            pass
        assert sent < 2000, "requests were taken without end"
        assert agent.ask("GET", "/healthz").status == 200
        assert _resident(agent) - before < 16 << 20


def _resident(agent: RunningAgent) -> int:
    return int(Path(f"/proc/{agent.process.pid}/statm").read_text().split()[1]) * 4096
