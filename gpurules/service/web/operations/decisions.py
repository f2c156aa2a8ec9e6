"""Decisions on transfers: one, many, and why."""

from collections.abc import Iterator

from gpurules.service.web import schemas
from gpurules.service.web.operation import Call, Operation, Reply, json_reply
from gpurules.service.wire.decisions import decision_data
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid
from gpurules.service.wire.requests import DecideRequest, parse, read_decide, read_item

MAX_ITEMS = 10_000
MAX_BATCH_BYTES = 16 << 20
NDJSON = b"application/x-ndjson"


def _answer(call: Call, asked: DecideRequest) -> bytes:
    decision = call.agent.coordinator.decide(asked.transfer, asked.workload)
    if asked.explain:
        return encode(decision_data(decision) | {"explanation": decision.explain().to_dict()})
    return call.agent.encoder.encode(decision)


def decide(call: Call) -> Reply:
    """Answer the decision for a transfer, or without one that of the node."""
    agent = call.agent
    return Reply(_answer(call, read_decide(call.body, agent.declared, agent.clock())))


def explain(call: Call) -> Reply:
    """Answer a decision with the reasons of each rule."""
    asked = read_decide(call.body, call.agent.declared, call.agent.clock())
    decision = call.agent.coordinator.decide(asked.transfer, asked.workload)
    explained = decision.explain()
    rules = [{**rule.to_dict(), "drawn": str(rule)} for rule in explained.rules]
    return json_reply(decision_data(decision) | {"explanation": {"rules": rules}, "text": str(explained)})


def decide_batch(call: Call) -> Reply:
    """Answer many decisions in order; an item that is wrong is answered by its problem."""
    is_lines = call.header(b"content-type").partition(";")[0].strip().lower() == NDJSON.decode()
    items = [line for line in call.body.split(b"\n") if line.strip()] if is_lines else _array(call.body)
    if len(items) > MAX_ITEMS:
        raise invalid([WrongMember(f"{len(items)} items; a batch has at most {MAX_ITEMS}")])
    answers = list(_decided(call, items))
    if is_lines:
        return Reply(b"".join(answer + b"\n" for answer in answers), 200, NDJSON)
    return Reply(b"[" + b",".join(answers) + b"]")


def _array(body: bytes) -> list[bytes]:
    data = parse(body)
    if not isinstance(data, list):
        raise invalid([WrongMember("expected an array of requests")])
    return [encode(item) for item in data]


def _decided(call: Call, items: list[bytes]) -> Iterator[bytes]:
    declared, now = call.agent.declared, call.agent.clock()
    for place, item in enumerate(items):
        try:
            yield _answer(call, read_item(item, place, declared, now))
        except ProblemError as problem:
            yield encode({"problem": problem.to_dict()})


OPERATIONS = (
    Operation(
        "POST",
        "/v1/decide",
        "decide",
        "Decide on a transfer",
        decide,
        body=schemas.DECIDE_REQUEST,
        answers={200: schemas.DECISION},
        description="Without a transfer: the decision of the node, in which the fields of transfers are missing.",
    ),
    Operation(
        "POST",
        "/v1/decide:batch",
        "decideBatch",
        "Decide on many transfers",
        decide_batch,
        body={"type": "array", "maxItems": MAX_ITEMS, "items": schemas.ANY_ITEM},
        answers={200: {"type": "array", "items": schemas.BATCH_ITEM}},
        max_body=MAX_BATCH_BYTES,
        is_slow=True,
        description="A JSON array, or NDJSON (application/x-ndjson); answered in kind and in order.",
    ),
    Operation(
        "POST",
        "/v1/explain",
        "explain",
        "Explain a decision",
        explain,
        body=schemas.DECIDE_REQUEST,
        answers={200: schemas.EXPLAINED_DECISION},
        is_slow=True,
        description="With the reasons of each rule, the value of each part per GPU, and the nearest change.",
    ),
)
