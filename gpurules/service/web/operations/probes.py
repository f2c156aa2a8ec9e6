"""Liveness and readiness probes, and metrics."""

from gpurules.service.agent import Agent
from gpurules.service.metrics import exposition
from gpurules.service.web import schemas
from gpurules.service.web.operation import Access, Operation, OperationCall, Reply, json_reply


def liveness(call: OperationCall) -> Reply:
    """Respond that the agent is alive."""
    return json_reply({"status": "ok"})


def unready(agent: Agent) -> list[str]:
    """Return why the agent is not ready; empty if it is ready."""
    coordinator, reasons = agent.coordinator, []
    status = coordinator.status()
    if agent.is_draining:
        reasons.append("the agent is stopping")
    if not status.running:
        reasons.append("polling is not running")
    if status.snapshot is None:
        reasons.append("no telemetry has been read yet")
    elif status.stale:
        reasons.append("telemetry is stale")
    if status.source_error is not None:
        reasons.append(f"telemetry cannot be read: {status.source_error}")
    return reasons


def readiness(call: OperationCall) -> Reply:
    """Respond whether decisions are based on fresh telemetry, or why not."""
    reasons = unready(call.agent)
    return json_reply({"status": "unready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200)


def metrics(call: OperationCall) -> Reply:
    """Respond with the metrics, in the text format of Prometheus or, if the client accepts it, of OpenMetrics."""
    body, kind = exposition(call.agent.coordinator, call.header(b"accept"))
    return Reply(body, 200, kind.encode())


OPERATIONS = (
    Operation("GET", "/healthz", "liveness", "Whether the agent is alive", liveness, Access.OPEN,
              answers={200: schemas.HEALTH}),
    Operation("GET", "/readyz", "readiness", "Whether decisions are based on fresh telemetry", readiness, Access.OPEN,
              answers={200: schemas.HEALTH, 503: schemas.HEALTH}),
    Operation("GET", "/metrics", "metrics", "Metrics for Prometheus", metrics,
              answers={200: {"type": "string"}}, answer_type="text/plain", is_slow=True),
)  # fmt: skip
