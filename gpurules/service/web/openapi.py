"""The OpenAPI 3.1 description of the API, generated from its operations."""

import re
from collections.abc import Iterable, Mapping

from gpurules.fields import Field
from gpurules.service.web import schemas
from gpurules.service.web.operation import Access, Operation

_PATH_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_USUAL_PROBLEMS = {
    400: "The request is wrong; `errors` says where.",
    401: "A bearer token is required.",
    403: "The peer is not permitted to do this.",
    404: "Not found.",
    408: "The body did not arrive in time.",
    409: "The request was rejected; nothing changed.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    429: "The limit is reached.",
    500: "The agent failed to answer; its log says why.",
    503: "The agent is busy or stopping.",
}
_STATUS = {200: "Done.", 201: "Created.", 204: "Done.", 304: "Not modified."}


def openapi(operations: Iterable[Operation], declared: Mapping[str, Field], version: str) -> dict[str, object]:
    """Return the OpenAPI description; *declared* are the fields that the ruleset declares."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        path = _PATH_PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gpurules agent",
            "version": version,
            "description": "Decisions on storage transfers, based on the GPUs of a node. Errors are RFC 9457 problem "
            "details.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components(declared),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"bearer": []}],
    }


def _described(operation: Operation) -> dict[str, object]:
    data: dict[str, object] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        data["description"] = operation.description
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
        for name in _PATH_PARAMETER.findall(operation.path)
    ]
    parameters += [
        {"name": p.name, "in": "query", "required": p.is_required, "description": p.description, "schema": p.schema}
        for p in operation.query
    ]
    if parameters:
        data["parameters"] = parameters
    if operation.body is not None:
        data["requestBody"] = {"required": True, "content": {operation.body_type: {"schema": operation.body}}}
    data["responses"] = _responses(operation)
    data["security"] = [{}] if operation.access is Access.OPEN else [{}, {"bearer": []}]
    return data


def _responses(operation: Operation) -> dict[str, object]:
    found: dict[str, object] = {}
    for status, schema in operation.answers.items():
        content = {"content": {operation.answer_type: {"schema": schema}}} if schema else {}
        found[str(status)] = {"description": _STATUS.get(status, "Not ready."), **content}
    usual = {400, 500} | (set() if operation.access is Access.OPEN else {401})
    usual |= {404} if "{" in operation.path else set()
    usual |= {408, 413, 415} if operation.body is not None else set()
    usual |= {503} if operation.is_slow or operation.answer_type == "text/event-stream" else set()
    problem = {"content": {"application/problem+json": {"schema": schemas.ref("Problem")}}}
    for status in sorted(usual | set(operation.problems)):
        found.setdefault(str(status), {"description": _USUAL_PROBLEMS[status], **problem})
    return found
