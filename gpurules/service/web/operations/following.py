"""Following the agent: its directives by long poll, its whole state by server-sent events."""

import asyncio
from functools import partial

from gpurules.actions import is_directive
from gpurules.engine.effects.events import fields_read
from gpurules.service.agent import Agent
from gpurules.service.web import schemas
from gpurules.service.web.operation import (
    EventStream,
    Operation,
    OperationCall,
    Parameter,
    Receive,
    Reply,
    Send,
    json_reply,
)
from gpurules.service.wire.decisions import decision_data
from gpurules.service.wire.problems import ProblemError

MAX_WAIT = 60.0
COMMENT_SECONDS = 15.0
SEND_SECONDS = 10.0
"""How long a client may leave what it is sent unread before it is dropped."""
MAX_FOLLOWERS = 1000
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def directives(call: OperationCall) -> Reply:
    """Respond with the node's decision, at once or when it differs from that of the client's revision."""
    agent, revisions = call.agent, call.agent.revisions
    known = call.query["revision"]
    etag = call.header(b"if-none-match")
    wait = call.query["wait"]
    assert isinstance(wait, int | float)
    if wait and not agent.is_draining:
        at = known if known is not None else _revision_of(etag)
        await revisions.wait(wait, lambda: revisions.directives_revision != at or agent.is_draining)
    tag = f'W/"{revisions.directives_revision}"'
    headers = ((b"etag", tag.encode()), (b"cache-control", b"no-cache"))
    if tag in (one.strip() for one in etag.split(",")) or etag.strip() == "*":
        return Reply(b"", 304, headers=headers)
    return json_reply(node_directives(agent), headers=headers)


def node_directives(agent: Agent) -> dict[str, object]:
    """Return the node's decision, its revision, and for how many seconds it is valid without the agent."""
    decision = agent.coordinator.decide()
    settings = agent.coordinator.engine.ruleset.settings
    left = decision.snapshot_time + settings.stale_after - agent.clock()
    return decision_data(decision) | {
        "revision": agent.revisions.directives_revision,
        "expires_in": 0.0 if decision.stale else max(0.0, min(left, settings.stale_after)),
        "agent": _facts(agent),
    }


def _facts(agent: Agent) -> dict[str, object]:
    """Return the facts about the ruleset that a client needs for its requests: the fields it reads, and its bounds."""
    ruleset = agent.coordinator.engine.ruleset
    reads = {field.name for field in fields_read(ruleset)}
    orders = (ordered.action for rule in ruleset.rules if rule.enabled for ordered in rule.actions)
    if any(is_directive(action) and action.target == "stage" for action in orders):
        reads.add("transfer_size")
    return {
        "ruleset": ruleset.name,
        "version": ruleset.version,
        "max_delay": ruleset.settings.max_delay,
        "reads": sorted(reads),
        "file_types": [list(pair) for pair in ruleset.file_types],
    }


def _revision_of(etag: str) -> int | None:
    text = etag.strip().removeprefix("W/").strip('"')
    return int(text) if text.isdecimal() and len(text) < 20 else None


async def watch(call: OperationCall) -> EventStream:
    """Stream the state: all of it first, then the changes."""
    agent = call.agent
    if agent.revisions.followers >= MAX_FOLLOWERS or agent.is_draining:
        raise ProblemError(
            503, "busy", "the maximum number of following clients is reached", (), ((b"retry-after", b"5"),)
        )
    since = call.query["since"]
    given = _revision_of(call.header(b"last-event-id"))
    start = given if given is not None else since if isinstance(since, int) else -1

    async def run(request_id: bytes, receive: Receive, send: Send) -> None:
        headers = [*_STREAM_HEADERS, (b"x-request-id", request_id)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        streaming = asyncio.ensure_future(_stream(agent, start, send))
        leaving = asyncio.ensure_future(_left(receive))
        agent.revisions.followers += 1
        try:
            await asyncio.wait([streaming, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            agent.revisions.followers -= 1
            leaving.cancel()
            streaming.cancel()

    return EventStream(run)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stream(agent: Agent, start: int, send: Send) -> None:
    """Send all changes; return if the client reads too slowly, so that its connection is closed."""
    revisions, at = agent.revisions, start
    await revisions.settle()
    while not agent.is_draining:
        frame, now = revisions.frame(at)
        if not await _sent(send, frame if now != at else b": nothing new\n\n"):
            return
        at = now
        await revisions.wait(COMMENT_SECONDS, partial(_has_news, agent, at))
    await _sent(send, b'event: end\ndata: {"reason":"the agent stops"}\n\n', more=False)


def _has_news(agent: Agent, revision: int) -> bool:
    return agent.revisions.revision != revision or agent.is_draining


async def _sent(send: Send, frame: bytes, more: bool = True) -> bool:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": frame, "more_body": more})
    except TimeoutError:
        return False
    return True


OPERATIONS = (
    Operation(
        "GET",
        "/v1/directives",
        "directives",
        "The node's decision, immediately or when it changes",
        directives,
        query=(
            Parameter("wait", "seconds to wait for another revision", 0, 0, MAX_WAIT),
            Parameter("revision", "the client's current revision", None, 0, 1e18, is_integer=True),
        ),
        answers={200: schemas.DIRECTIVES, 304: {}},
    ),
    Operation(
        "GET",
        "/v1/watch",
        "watch",
        "Follow the whole state by server-sent events",
        watch,
        query=(Parameter("since", "the client's current revision", None, 0, 1e18, is_integer=True),),
        answers={200: {"type": "string"}},
        answer_type="text/event-stream",
        description=(
            "First an event `state` with all sections, then events `change` with replacements: whole sections; of "
            "`rules` and `transfers` the changed entries, each as a whole, and null for a removed one. New `events` "
            "are appended. The id is the revision; `Last-Event-ID` resumes. A comment "
            "is sent every 15 s, and an event `end` before the agent stops. A client that reads too slowly is "
            "disconnected."
        ),
    ),
)
