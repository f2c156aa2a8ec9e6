"""Decisions on transfers: one, many, and explanations."""

from gpurules.service.web import schemas
from gpurules.service.web.operation import Operation, OperationCall, Reply, json_reply
from gpurules.service.wire.decisions import DecisionEncoder, decision_data
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.problems import ProblemError
from gpurules.service.wire.requests import DecideRequest, read_batch, read_decide, read_lines

MAX_ITEMS = 10_000
MAX_BATCH_BYTES = 16 << 20
NDJSON = b"application/x-ndjson"


def _answer(call: OperationCall, asked: DecideRequest, encoder: DecisionEncoder) -> bytes:
    decision = call.agent.coordinator.decide(asked.transfer, asked.workload)
    if asked.explain:
        return encode(decision_data(decision) | {"explanation": decision.explain().to_dict()})
    return encoder.encode(decision)


def decide(call: OperationCall) -> Reply:
    """Respond with the decision for a transfer, or without one that for the node."""
    agent = call.agent
    return Reply(_answer(call, read_decide(call.body, agent.declared, agent.clock()), agent.encoder))


def explain(call: OperationCall) -> Reply:
    """Respond with a decision and the reasons of each rule."""
    asked = read_decide(call.body, call.agent.declared, call.agent.clock())
    decision = call.agent.coordinator.decide(asked.transfer, asked.workload)
    explained = decision.explain()
    rules = [{**rule.to_dict(), "drawn": str(rule)} for rule in explained.rules]
    return json_reply(decision_data(decision) | {"explanation": {"rules": rules}, "text": str(explained)})


def decide_batch(call: OperationCall) -> Reply:
    """Respond with many decisions in order; an invalid item yields its problem."""
    is_lines = call.header(b"content-type").partition(";")[0].strip().lower() == NDJSON.decode()
    read = read_lines if is_lines else read_batch
    items = read(call.body, MAX_ITEMS, call.agent.declared, call.agent.clock())
    encoder = DecisionEncoder()  # the agent's own is for its own thread
    answers = [
        encode({"problem": item.to_dict()}) if isinstance(item, ProblemError) else _answer(call, item, encoder)
        for item in items
    ]
    if is_lines:
        return Reply(b"".join(answer + b"\n" for answer in answers), 200, NDJSON)
    return Reply(b"[" + b",".join(answers) + b"]")


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
        description="A JSON array, or NDJSON (application/x-ndjson); the response has the same type and order.",
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
