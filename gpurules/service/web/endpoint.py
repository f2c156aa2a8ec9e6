"""One path of the API as an ASGI application: validates requests and turns any outcome into a response."""

import asyncio
import re
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext, suppress
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from gpurules.logs import logger
from gpurules.registry import did_you_mean
from gpurules.service.agent import Agent
from gpurules.service.web.access import AccessControl
from gpurules.service.web.operation import Access, EventStream, Operation, OperationCall, Receive, Reply, Send
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid

_LOGGER = logger("gpurules.service")
Scope: TypeAlias = MutableMapping[str, Any]  # ASGI's own
BODY_SECONDS = 10.0
"""How long the body of a request may take to come."""
DISCARD_SECONDS = 2.0
SLOW_AT_ONCE = 2
"""How many slow operations are worked on together; others wait, so that polling keeps the processor."""
SLOW_QUEUE = 64
_AT_ONCE = nullcontext()
_NO_QUERY: Mapping[str, object] = MappingProxyType({})
_NO_PATH: Mapping[str, str] = MappingProxyType({})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_PROBLEM = b"application/problem+json"


class Gone(Exception):
    """The client disconnected before the response."""


class RequestIds:
    """Generates ids for requests that have none."""

    def __init__(self, first: int) -> None:
        self._prefix = f"{first:x}-".encode()
        self._count = 0

    def of(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return the client's id if it is safe to log, else a generated one."""
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        self._count += 1
        return self._prefix + b"%x" % self._count


class Shared:
    """The state that the endpoints of one application share."""

    def __init__(self, agent: Agent, access: AccessControl) -> None:
        self.agent = agent
        self.access = access
        self.ids = RequestIds(agent.revisions.first)
        self.slow = asyncio.Semaphore(SLOW_AT_ONCE)
        self.slow_waiting = 0


class Endpoint:
    """The operations of one path, by method."""

    def __init__(self, operations: Mapping[str, Operation], shared: Shared) -> None:
        self._operations = dict(operations)
        self._at_once = {method: one for method, one in operations.items() if is_at_once(one)}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._shared = shared

    @property
    def answers_at_once(self) -> bool:
        """Whether any of its operations can respond without waiting."""
        return bool(self._at_once)

    def answer_at_once(self, scope: Scope, body: bytes) -> tuple[Reply, bytes] | None:
        """Return the response to a complete request, and its id.

        Missing: None if the operation must wait or the request must be rejected, which the ASGI path does.
        """
        operation = self._at_once.get(scope["method"])
        if operation is None or len(body) > operation.max_body:
            return None
        headers = dict(scope["headers"])
        request_id = self._shared.ids.of(headers)
        try:
            query = self._admitted(operation, scope, headers)
            reply = operation.handler(OperationCall(self._shared.agent, _NO_PATH, query, body, headers))
            assert isinstance(reply, Reply)
        except Exception as error:
            reply = _failed(error, request_id)
        return reply, request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = dict(scope["headers"])
        request_id = self._shared.ids.of(headers)
        try:
            operation = self._operations.get(scope["method"])
            if operation is None:
                raise self._wrong_method(scope["method"])
            reply = await self._answer(operation, scope, receive, headers)
        except Gone:
            return
        except Exception as error:
            reply = _failed(error, request_id)
        if isinstance(reply, EventStream):
            await reply.run(request_id, receive, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [
                    (b"content-type", reply.content_type),
                    (b"content-length", b"%d" % len(reply.body)),
                    (b"x-request-id", request_id),
                    *reply.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    def _wrong_method(self, method: str) -> ProblemError:
        allowed = ", ".join(sorted(self._operations))
        detail = f"this path accepts {allowed}, not {method[:20]}"
        return ProblemError(405, "method-not-allowed", detail, (), ((b"allow", allowed.encode()),))

    def _admitted(self, operation: Operation, scope: Scope, headers: Mapping[bytes, bytes]) -> Mapping[str, object]:
        """Check the head of a request, and return its query."""
        if operation.access is Access.ADMIN or (operation.access is Access.USE and scope["state"].get("peer") is None):
            self._shared.access.check(scope, headers, operation.access)
        text = scope["query_string"]
        query = _query(operation, text) if text or operation.query else _NO_QUERY
        if operation.body is not None:
            kind = headers.get(b"content-type")
            if kind != b"application/json":
                check_type(operation, kind)
        return query

    async def _answer(
        self, operation: Operation, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> "Reply | EventStream":
        query = self._admitted(operation, scope, headers)
        body = b""
        if operation.body is not None:
            message = await receive()
            body = message.get("body", b"")
            if message["type"] != "http.request" or message.get("more_body") or len(body) > operation.max_body:
                body = await read_body(message, receive, headers, operation.max_body)
        call = OperationCall(self._shared.agent, scope.get("path_params", _NO_PATH), query, body, headers)
        if operation.is_slow:
            return await self._slowly(operation, call)
        reply = operation.handler(call)
        return reply if isinstance(reply, Reply | EventStream) else await reply

    async def _slowly(self, operation: Operation, call: OperationCall) -> Reply:
        shared = self._shared
        if shared.slow_waiting >= SLOW_QUEUE:
            raise ProblemError(503, "busy", "too many slow requests at once; try again", (), ((b"retry-after", b"1"),))
        shared.slow_waiting += 1
        try:
            async with shared.slow:
                return await asyncio.to_thread(operation.handler, call)  # type: ignore[arg-type]
        finally:
            shared.slow_waiting -= 1


def is_at_once(operation: Operation) -> bool:
    """Return whether an operation responds without waiting."""
    return not operation.is_slow and not iscoroutinefunction(operation.handler)


def _failed(error: Exception, request_id: bytes) -> Reply:
    """Return the response for a failed request.

    Any error gets a response: a rule's action may be foreign code, and an internal error must not stop the agent.
    """
    if isinstance(error, ProblemError):
        return problem_reply(error)
    _LOGGER.error("the request %s failed", request_id.decode(), exc_info=error)
    return problem_reply(ProblemError(500, "internal", "the agent failed to answer; its log says why"))


def problem_reply(problem: ProblemError) -> Reply:
    """Return a problem as a response."""
    return Reply(encode(problem.to_dict()), problem.status, _PROBLEM, problem.headers)


def check_type(operation: Operation, given: bytes | None) -> None:
    """Reject a body whose media type is not JSON or NDJSON; a missing type is accepted.

    Raises:
        ProblemError: it is of another type.
    """
    if given is None:
        return
    kind = given.partition(b";")[0].strip().lower()
    if kind not in (b"application/json", b"application/x-ndjson") and not kind.endswith(b"+json"):
        hint = " (curl: --json DATA)" if kind == b"application/x-www-form-urlencoded" else ""
        detail = f"expected {operation.body_type}, got {kind[:60].decode('latin-1')!r}{hint}"
        raise ProblemError(415, "unsupported-media-type", detail)


async def read_body(
    message: MutableMapping[str, Any], receive: Receive, headers: Mapping[bytes, bytes], limit: int
) -> bytes:
    """Return the body of a request that starts with *message*.

    Raises:
        ProblemError: it is larger than *limit*, or does not arrive in time.
        Gone: the client disconnected.
    """
    length = headers.get(b"content-length")
    if length is not None and len(length) < 20 and length.isdigit() and int(length) > limit:
        if message.get("more_body"):
            await _discard(receive)
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS) if message.get("more_body") else _AT_ONCE:
            while message["type"] == "http.request":
                parts.append(message["body"])
                size += len(message["body"])
                if size > limit:
                    break
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                message = await receive()
            else:
                raise Gone
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_SECONDS:g} s"
        raise ProblemError(408, "timeout", detail, (), ((b"connection", b"close"),)) from None
    if message.get("more_body"):
        await _discard(receive)
    raise _too_large(limit)


async def _discard(receive: Receive) -> None:
    """Keep reading briefly: a client that is still sending would not see the response."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                continue


def _too_large(limit: int) -> ProblemError:
    detail = f"the body is larger than {limit} bytes"
    return ProblemError(413, "body-too-large", detail, (), ((b"connection", b"close"),))


def _query(operation: Operation, text: bytes) -> dict[str, object]:
    if not text:
        return {p.name: p.default for p in operation.query} if operation.query else {}
    known = {parameter.name: parameter for parameter in operation.query}
    found = {parameter.name: parameter.default for parameter in operation.query}
    wrong = []
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise ProblemError(400, "invalid-request", "the query has too many parameters") from None
    for name, value in pairs:
        if name not in known:
            hint = did_you_mean(name[:60], known) or f"the parameters are {', '.join(known) or 'none'}"
            wrong.append(WrongMember(f"unknown parameter {name[:60]!r}", hint=hint, parameter=name[:60]))
            continue
        try:
            found[name] = known[name].read(value)
        except ProblemError as problem:
            wrong += problem.errors
    if wrong:
        raise invalid(wrong)
    return found
