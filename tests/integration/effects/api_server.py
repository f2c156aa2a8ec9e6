"""A stand-in for the API server of Kubernetes: one node and its events, over HTTPS, with a token."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import jsonschema

from tests.http_server import QuietHTTPServer
from tests.integration.effects.certificates import Certificate

TOKEN = "T0KEN"
_TEXT: dict[str, Any] = {"type": "string"}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_REASON = {"type": "string", "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", "maxLength": 1024}
CONDITION = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": "^[A-Za-z0-9./-]+$", "maxLength": 316},
        "status": {"enum": ["True", "False", "Unknown"]},
        "reason": _REASON,
        "message": {"type": "string", "maxLength": 32768},
        "lastHeartbeatTime": _TIME,
        "lastTransitionTime": _TIME,
    },
    "required": ["type", "status"],
    "additionalProperties": False,
}
TAINT = {
    "type": "object",
    "properties": {
        "key": _TEXT,
        "value": _TEXT,
        "effect": {"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
        "timeAdded": _TIME,
    },
    "required": ["key", "effect"],
    "additionalProperties": False,
}
NODE = {
    "type": "object",
    "properties": {
        "metadata": {
            "type": "object",
            "properties": {
                "labels": {"type": "object", "additionalProperties": _TEXT},
                "annotations": {"type": "object", "additionalProperties": _TEXT},
            },
        },
        "spec": {
            "type": "object",
            "properties": {"taints": {"type": "array", "items": TAINT}, "unschedulable": {"type": "boolean"}},
        },
        "status": {"type": "object", "properties": {"conditions": {"type": "array", "items": CONDITION}}},
    },
}
EVENT = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "v1"},
        "kind": {"const": "Event"},
        "metadata": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "maxLength": 253},
                "namespace": {"const": "default"},
            },
            "required": ["name", "namespace"],
        },
        "involvedObject": {"type": "object", "required": ["kind", "name"]},
        "reason": {**_REASON, "maxLength": 128},
        "message": {"type": "string", "maxLength": 1024},
        "type": {"enum": ["Normal", "Warning"]},
        "source": {"type": "object", "required": ["component"]},
        "firstTimestamp": _TIME,
        "lastTimestamp": _TIME,
        "count": {"type": "integer", "minimum": 1},
    },
    "required": ["apiVersion", "kind", "metadata", "involvedObject", "reason", "type"],
    "additionalProperties": False,
}
"""What the API's own schemas (v1.31) and its validation say of these objects."""


class ApiServer:
    """Holds one node, gpu-7. ``failures`` are statuses to answer first; ``meanwhile`` runs before each patch."""

    def __init__(self, certificate: Certificate) -> None:
        self.node: dict[str, Any] = {
            "metadata": {"name": "gpu-7", "uid": "u-7", "resourceVersion": "100", "labels": {"zone": "a"}},
            "spec": {"taints": [{"key": "other", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        self.events: dict[str, dict[str, Any]] = {}
        self.failures: list[int] = []
        self.meanwhile: list[Any] = []
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = server.answer(self.command, self.path, dict(self.headers.items()), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_POST = handle_any

            def log_message(self, format: str, *args: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        self._http = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"https://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.requests.append(f"{method} {path}")
        if self.failures:
            return self.failures.pop(0), {"kind": "Status", "message": f"no, {headers.get('Authorization')}"}
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"kind": "Status"}
        data = json.loads(body) if body else None
        match method, path:
            case "GET", "/api/v1/nodes/gpu-7":
                return 200, self.node
            case "PATCH", "/api/v1/nodes/gpu-7":
                assert headers["Content-Type"] == "application/merge-patch+json"
                for change in self.meanwhile:
                    change(self.node)
                self.meanwhile = []
                wanted = data.get("metadata", {}).pop("resourceVersion", None)
                if wanted != self.node["metadata"]["resourceVersion"]:
                    return 409, {"kind": "Status", "reason": "Conflict"}
                assert set(data) <= {"metadata", "spec"}, "the status is a resource of its own"
                return self._changed(_merged(self.node, data))
            case "PATCH", "/api/v1/nodes/gpu-7/status":
                assert headers["Content-Type"] == "application/strategic-merge-patch+json"
                assert set(data) == {"status"}
                by_type = {one["type"]: one for one in self.node["status"]["conditions"]}
                by_type |= {
                    one["type"]: {**by_type.get(one["type"], {}), **one} for one in data["status"]["conditions"]
                }
                return self._changed({**self.node, "status": {"conditions": list(by_type.values())}})
            case "POST", "/api/v1/namespaces/default/events":
                jsonschema.validate(data, EVENT)
                name = data["metadata"]["name"]
                if name in self.events:
                    return 409, {"kind": "Status", "reason": "AlreadyExists"}
                self.events[name] = data
                return 201, data
            case _:
                return 404, {"kind": "Status", "reason": "NotFound"}

    def _changed(self, node: dict[str, Any]) -> tuple[int, Any]:
        jsonschema.validate(node, NODE)
        self.node = node
        self.touch(node)
        return 200, node

    @staticmethod
    def touch(node: dict[str, Any]) -> None:
        """Note a change of the node."""
        node["metadata"]["resourceVersion"] = str(int(node["metadata"]["resourceVersion"]) + 1)


def _merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
