"""The few calls of the API server of Kubernetes that marking a node takes, with the token of the service account."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpurules.actions.action import ActionError, Event, numeric
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from gpurules.actions.effects.notification.parameters import secret_of
from gpurules.strict_json import dumps, loads

if TYPE_CHECKING:
    from gpurules.actions.effects.transport.posting import HttpReply

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MEANINGS = {
    401: ": the token is not valid",
    403: ": the role of the service account does not allow it",
    404: ": there is no such node",
    409: ": the node was changed meanwhile",
}
MAX_NODE_BYTES = 8 * 1024 * 1024


def rfc3339(seconds: float) -> str:
    """Return a time as Kubernetes writes it, in whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server, and how to log in. Units: ``timeout`` in seconds."""

    server: str
    headers: Mapping[str, str]
    ca_file: str | None
    timeout: float

    @classmethod
    def of(cls, event: Event) -> "Cluster":
        """Return the cluster that the parameters of *event* name, else the one that the agent runs in.

        Raises:
            RetryLater: the token cannot be read now.
            ActionError: there is no API server, or no token.
        """
        given = event.parameters
        named = "secret_env" in given or "secret_file" in given
        token = secret_of(given if named else {"secret_file": f"{ACCOUNT}/token"})
        ca_file = given.get("ca_file")
        if not isinstance(ca_file, str):
            ca_file = f"{ACCOUNT}/ca.crt" if Path(f"{ACCOUNT}/ca.crt").is_file() else None
        return cls(_server(given.get("server")), {"Authorization": f"Bearer {token}"}, ca_file, _seconds(event))

    def get(self, path: str) -> Mapping[str, Any]:
        """Return the object at *path*.

        Raises:
            RetryLater: a later attempt may succeed.
            RefusedError: the API server refuses.
        """
        data = self._call("GET", path, b"", {"Accept": "application/json"})
        try:
            found = loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RetryLater(f"{self.server} answered something other than a JSON object")
        return found

    def patch(self, path: str, patch: Mapping[str, object], kind: str) -> None:
        """Patch the object at *path*; *kind* is the media type of the patch."""
        self._call("PATCH", path, dumps(patch).encode(), {"Content-Type": kind, "Accept": "application/json"})

    def create(self, path: str, data: Mapping[str, object]) -> None:
        """Create an object, unless it is there."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._call("POST", path, dumps(data).encode(), headers, is_done=frozenset({409}))

    def _call(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], is_done: frozenset[int] = frozenset()
    ) -> bytes:
        from gpurules.actions.effects.transport.posting import Post, exchange  # the network, which few rulesets need

        post = Post(
            self.server + path,
            body,
            {"User-Agent": "gpurules", **headers, **self.headers},
            self.timeout,
            method=method,
            ca_file=self.ca_file,
            max_answer_bytes=MAX_NODE_BYTES,
        )
        answer = exchange(post)
        if 200 <= answer.status < 300 or answer.status in is_done:
            return answer.body
        raise _error(f"{method} {path} answered {answer.status}", answer)


def _error(message: str, answer: "HttpReply") -> ActionError:
    status = answer.status
    if status in (429, 503):
        return RetryLater(message, answer.retry_after, of_receiver=True)
    if status >= 500 or status in (401, 408, 409, 425):  # tokens are renewed, and a node that has changed is read again
        return RetryLater(message + _MEANINGS.get(status, ""))
    return RefusedError(message + _MEANINGS.get(status, ""))


def _server(given: object) -> str:
    if isinstance(given, str):
        return given.rstrip("/")
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise ActionError("the agent does not run in a cluster (KUBERNETES_SERVICE_HOST is not set); name the server")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def _seconds(event: Event) -> float:
    return numeric(event.parameters, "timeout") or 10.0
