"""The application: Starlette routes requests to the operations of the API, to the page, and to its documentation."""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from starlette.routing import Route, Router

from gpurules.service.agent import Agent
from gpurules.service.web import pages
from gpurules.service.web.access import AccessControl
from gpurules.service.web.documents import documentation
from gpurules.service.web.endpoint import Endpoint, RequestIds, Scope, Shared, problem_reply
from gpurules.service.web.openapi import openapi
from gpurules.service.web.operation import Access, Operation, OperationCall, Receive, Reply, Send, json_reply
from gpurules.service.web.operations import OPERATIONS
from gpurules.service.wire.problems import ProblemError


def installed_version() -> str:
    """Return the version of the package; ``unknown`` if it is not installed."""
    try:
        return version("gpurules")
    except PackageNotFoundError:
        return "unknown"


def description(call: OperationCall) -> Reply:
    """Respond with the description of the API."""
    return json_reply(openapi(all_operations(call.agent), call.agent.declared, installed_version()))


def documentation_page(call: OperationCall) -> Reply:
    """Respond with the description of the API as a page."""
    described = openapi(all_operations(call.agent), call.agent.declared, installed_version())
    return Reply(documentation(described).encode(), 200, b"text/html; charset=utf-8", pages.SECURITY)


_DOCUMENTATION = Operation("GET", "/docs", "docs", "The documentation of the API", documentation_page, Access.OPEN)
_DESCRIPTION = Operation(
    "GET", "/openapi.json", "openapi", "The description of this API", description, Access.OPEN,
    answers={200: {"type": "object"}},
)  # fmt: skip


def all_operations(agent: Agent) -> tuple[Operation, ...]:
    """Return the operations of *agent*, except those of the page."""
    return (*OPERATIONS, _DESCRIPTION)


class Application(Router):
    """The ASGI application of an agent.

    ``at_once`` has the endpoints, by path, with operations that a server may call directly, without a task.
    """

    def __init__(self, agent: Agent, access: AccessControl) -> None:
        shared = Shared(agent, access)
        operations = [*all_operations(agent), _DOCUMENTATION, *pages.operations(agent)]
        endpoints = {path: Endpoint(methods, shared) for path, methods in _by_path(operations).items()}
        routes = [Route(path, endpoint) for path, endpoint in endpoints.items()]
        super().__init__(routes=routes, redirect_slashes=False, default=_NotFound(shared.ids))
        self.at_once: Mapping[str, Endpoint] = {
            path: one for path, one in endpoints.items() if one.answers_at_once and "{" not in path
        }


def _by_path(operations: Iterable[Operation]) -> dict[str, dict[str, Operation]]:
    found: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        found.setdefault(operation.path, {})[operation.method] = operation
    return found


class _NotFound:
    """Handles paths that are not part of the API."""

    def __init__(self, ids: RequestIds) -> None:
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond that there is no such path."""
        if scope["type"] != "http":
            return
        reply = problem_reply(ProblemError(404, "not-found", "there is no such path; /openapi.json lists the paths"))
        headers = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", self._ids.of(dict(scope["headers"]))),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
