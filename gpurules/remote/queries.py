"""Queries of an agent's state, as data."""

from typing import Any

from gpurules.remote.connection.link import AgentUnavailable
from gpurules.remote.engine import RemoteEngine
from gpurules.strict_json import loads

SECONDS = 5.0


def fetch(engine: RemoteEngine, path: str) -> Any:
    """Return the JSON of the agent's response to a GET of *path*.

    Raises:
        AgentUnavailable: it has not responded, or with an error.
    """
    try:
        answer = engine.link.call(engine.link.head("GET", path), timeout=SECONDS)
        data = loads(answer.body)
    except (OSError, ValueError) as error:
        raise AgentUnavailable(f"the agent at {engine.link.address} does not answer: {error}") from None
    if answer.status >= 400:
        detail = data.get("detail") if isinstance(data, dict) else None
        raise AgentUnavailable(f"the agent at {engine.link.address} answered {answer.status}: {detail}")
    return data
