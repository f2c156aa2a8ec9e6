"""Decisions over HTTP are those of the engine, and wrong requests find out what is wrong."""

import json
import math

import pytest

from tests.integration.service.agents import RunningAgent

LARGE = {"id": "t", "path": "/data/a.tar", "size": 2 << 30}


def test_a_decision_names_the_rules_that_match_and_what_they_ask(agent: RunningAgent) -> None:
    decision = agent.ask("POST", "/v1/decide", {"transfer": LARGE}).json
    assert [match["rule"] for match in decision["matched"]] == ["hold_large", "prefetch_less"]
    assert decision["delay"] == 30 and decision["prefetch_factor"] == 0.5
    assert decision["matched"][0]["devices"] == [0, 1]


def test_a_small_transfer_is_not_held(agent: RunningAgent) -> None:
    decision = agent.ask("POST", "/v1/decide", {"transfer": {**LARGE, "size": 5}}).json
    assert decision["delay"] == 0 and [match["rule"] for match in decision["matched"]] == ["prefetch_less"]


def test_without_a_transfer_the_node_decides(agent: RunningAgent) -> None:
    assert [match["rule"] for match in agent.ask("POST", "/v1/decide", {}).json["matched"]] == ["prefetch_less"]


def test_reasons_come_with_explain(agent: RunningAgent) -> None:
    for answer in (
        agent.ask("POST", "/v1/decide", {"transfer": LARGE, "explain": True}),
        agent.ask("POST", "/v1/explain", {"transfer": LARGE}),
    ):
        rules = {rule["rule"]: rule for rule in answer.json["explanation"]["rules"]}
        assert rules["hold_large"]["outcome"] == "match"
        assert rules["hold_large"]["nearest"]["matches"] is False


@pytest.mark.parametrize(
    ("transfer", "pointer", "hint"),
    [
        ({"pth": "/a"}, "/transfer/pth", "path"),
        ({"size": -1}, "/transfer/size", None),
        ({"size": "4GiB"}, "/transfer/size", None),
        ({"size": True}, "/transfer/size", None),
        ({"path": 7}, "/transfer/path", None),
        ({"file_type": "modle"}, "/transfer/file_type", "model"),
        ({"operation": "raed"}, "/transfer/operation", "read"),
        ({"created": "yesterday"}, "/transfer/created", None),
        ({"labels": [1]}, "/transfer/labels", None),
    ],
)
def test_a_wrong_member_is_named_by_its_pointer(
    agent: RunningAgent, transfer: object, pointer: str, hint: str | None
) -> None:
    answer = agent.ask("POST", "/v1/decide", {"transfer": transfer})
    assert answer.status == 400 and answer.headers["content-type"] == "application/problem+json"
    error = answer.json["errors"][0]
    assert error["pointer"] == pointer and (hint is None or hint in error["hint"])


def test_everything_that_is_wrong_is_listed(agent: RunningAgent) -> None:
    wrong = {"transfer": {"pth": 1, "size": -1}, "workload": {"type": "traning"}}
    pointers = {error["pointer"] for error in agent.ask("POST", "/v1/decide", wrong).json["errors"]}
    assert pointers == {"/transfer/pth", "/transfer/size", "/workload/type"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"null", b'{"transfer": []}', b'{"transfers": {}}', b"\xff\xfe", b"[" * 100_000]
    + [json.dumps({"transfer": {"size": value}}).encode() for value in (math.nan, math.inf, -math.inf)]
    + [b'{"transfer": {"size": 1e999}}', b'{"transfer": {"size": ' + b"9" * 5000 + b"}}", b'{"a": "\\ud800"}'],
)
def test_a_body_that_is_no_request_is_refused_with_a_problem(agent: RunningAgent, body: bytes) -> None:
    answer = agent.ask("POST", "/v1/decide", body)
    assert answer.status == 400
    assert answer.json["status"] == 400 and answer.json["detail"] and answer.json["type"].startswith("urn:gpurules:")


def test_a_body_over_a_mebibyte_is_too_large(agent: RunningAgent) -> None:
    fits = {"transfer": {"path": "/" + "a" * (1 << 19)}}
    assert agent.ask("POST", "/v1/decide", fits).status == 200
    answer = agent.ask("POST", "/v1/decide", {"transfer": {"path": "/" + "a" * (1 << 20)}})
    assert answer.status == 413 and answer.json["status"] == 413


def test_a_chunked_body_over_a_mebibyte_is_too_large(agent: RunningAgent) -> None:
    connection = agent.connection()
    connection.request("POST", "/v1/decide", iter([b" " * 65536] * 20), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 413


def test_another_media_type_is_refused(agent: RunningAgent) -> None:
    answer = agent.ask("POST", "/v1/decide", b"<a/>", Content_Type="text/xml")
    assert answer.status == 415


def test_each_answer_carries_a_request_id_and_keeps_one_that_is_given(agent: RunningAgent) -> None:
    first, second = (agent.ask("GET", path).headers["x-request-id"] for path in ("/healthz", "/nowhere"))
    assert first != second
    assert agent.ask("GET", "/healthz", X_Request_Id="job-7").headers["x-request-id"] == "job-7"
    assert agent.ask("GET", "/healthz", X_Request_Id="a b").headers["x-request-id"] != "a b"


def test_a_wrong_path_and_a_wrong_method_are_problems(agent: RunningAgent) -> None:
    assert agent.ask("GET", "/v1/nothing").json["status"] == 404
    answer = agent.ask("DELETE", "/v1/decide")
    assert answer.status == 405 and answer.headers["allow"] == "POST"


def test_a_batch_answers_in_order_and_a_bad_item_is_an_error_item(agent: RunningAgent) -> None:
    items = [{"transfer": LARGE}, {"transfer": {"pth": 1}}, {}, 7]
    first, second, third, fourth = agent.ask("POST", "/v1/decide:batch", items).json
    assert first["delay"] == 30 and third["delay"] == 0
    assert second["problem"]["errors"][0]["pointer"] == "/1/transfer/pth"
    assert fourth["problem"]["errors"][0]["pointer"] == "/3"


def test_a_batch_of_lines_is_answered_in_lines(agent: RunningAgent) -> None:
    lines = b'{"transfer":{"size":5}}\n{"transfer":\n{}\n'
    answer = agent.ask("POST", "/v1/decide:batch", lines, Content_Type="application/x-ndjson")
    answers = [json.loads(line) for line in answer.body.splitlines()]
    assert [("problem" in one) for one in answers] == [False, True, False]


def test_a_batch_has_at_most_ten_thousand_items(agent: RunningAgent) -> None:
    assert len(agent.ask("POST", "/v1/decide:batch", [{}] * 10_000).json) == 10_000
    assert agent.ask("POST", "/v1/decide:batch", [{}] * 10_001).status == 400


def test_what_is_not_http_is_answered_by_a_problem(agent: RunningAgent) -> None:
    connection = agent.connection()
    connection.connect()
    connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \x1b[31m\r\n\r\n")
    answer = connection.sock.recv(65536)
    connection.close()
    assert answer.startswith(b"HTTP/1.1 400") and b"application/problem+json" in answer
