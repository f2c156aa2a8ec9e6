"""Registration of workloads and transfers, with leases."""

from dataclasses import replace

from gpurules.engine.inspection import steady_clock
from gpurules.model import Transfer, Workload
from gpurules.service.state.transfers import DEFAULT_LEASE_SECONDS, MAX_LEASE_SECONDS, STATES, Report
from gpurules.service.web import schemas
from gpurules.service.web.operation import Operation, OperationCall, Reply, json_reply
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid
from gpurules.service.wire.reading import read_facts, read_object
from gpurules.service.wire.requests import parse

MAX_ID = 200
MAX_WORKLOADS = 10_000
_REPORT = {"transfer": "object", "state": "string", "bytes_moved": "number", "ttl": "number"}


def _id(call: OperationCall) -> str:
    name = call.path["id"]
    if not name or len(name) > MAX_ID:
        raise invalid([WrongMember(f"an id must have 1 to {MAX_ID} characters", parameter="id")])
    return name


def _other_id(where: str) -> ProblemError:
    detail = "the id differs from the one in the path"
    return ProblemError(409, "other-id", detail, (WrongMember(detail, where),))


def _lease(given: object, default: float) -> float:
    if given is None:
        return default
    if not isinstance(given, int | float) or not 0 < given <= MAX_LEASE_SECONDS:
        raise invalid([WrongMember(f"a lease must be above 0 and at most {MAX_LEASE_SECONDS:g} seconds", "/ttl")])
    return float(given)


def put_workload(call: OperationCall) -> Reply:
    """Register or renew a workload."""
    name, agent = _id(call), call.agent
    given = read_object(parse(call.body), {"workload": "object", "ttl": "number"})
    workload = read_facts({"workload": given.get("workload")}, agent.declared, agent.clock()).workload or Workload()
    if workload.id not in (None, name):
        raise _other_id("/workload/id")
    schedule, now = agent.coordinator.schedule, steady_clock(agent.coordinator)()
    is_new = schedule.workload(name, now) is None
    if is_new and len(schedule.workloads(now)) >= MAX_WORKLOADS:
        raise ProblemError(429, "too-many-workloads", f"{MAX_WORKLOADS} workloads are already registered")
    lease = _lease(given.get("ttl"), DEFAULT_LEASE_SECONDS)
    agent.coordinator.register_workload(replace(workload, id=name), lease)
    return json_reply({"id": name, "ttl": lease}, 201 if is_new else 200)


def delete_workload(call: OperationCall) -> Reply:
    """Remove a workload."""
    name = _id(call)
    if not call.agent.coordinator.unregister_workload(name):
        raise ProblemError(404, "unknown-workload", f"no workload {name[:60]!r} is registered")
    return Reply(b"", 204)


def put_transfer(call: OperationCall) -> Reply:
    """Register a transfer or report its progress; respond with the current decision for it."""
    name, agent = _id(call), call.agent
    given = read_object(parse(call.body), _REPORT)
    transfer = read_facts({"transfer": given.get("transfer")}, agent.declared, agent.clock()).transfer or Transfer()
    state, moved = given.get("state"), given.get("bytes_moved")
    if transfer.id not in (None, name):
        raise _other_id("/transfer/id")
    if state is not None and state not in STATES:
        raise invalid([WrongMember(f"expected one of {', '.join(STATES)}, got {str(state)[:60]!r}", "/state")])
    if moved is not None and not (isinstance(moved, int | float) and 0 <= moved < float("inf")):
        raise invalid([WrongMember("a number of bytes must be 0 or more", "/bytes_moved")])
    created = agent.clock() if transfer.created is None else transfer.created
    lease = _lease(given.get("ttl"), DEFAULT_LEASE_SECONDS)
    named = replace(transfer, id=name, created=created)
    decision = agent.transfers.put(Report(named, state, moved, lease))
    if decision is None:
        raise ProblemError(429, "too-many-transfers", "the maximum number of transfers is reached")
    return Reply(agent.encoder.encode(decision))


def get_transfer(call: OperationCall) -> Reply:
    """Respond with one pending transfer."""
    name = _id(call)
    row = call.agent.transfers.row(name)
    if row is None:
        raise _unknown_transfer(name)
    return json_reply(row)


def delete_transfer(call: OperationCall) -> Reply:
    """Remove a transfer."""
    name = _id(call)
    if not call.agent.transfers.remove(name):
        raise _unknown_transfer(name)
    return Reply(b"", 204)


def _unknown_transfer(name: str) -> ProblemError:
    return ProblemError(404, "unknown-transfer", f"no transfer {name[:60]!r} is registered")


OPERATIONS = (
    Operation(
        "PUT", "/v1/workloads/{id:path}", "putWorkload", "Register or renew a workload", put_workload,
        body=schemas.WORKLOAD_REPORT, answers={200: schemas.LEASE, 201: schemas.LEASE}, problems=(409, 429),
    ),
    Operation(
        "DELETE", "/v1/workloads/{id:path}", "deleteWorkload", "Remove a workload", delete_workload,
        answers={204: {}}, problems=(404,),
    ),
    Operation(
        "PUT", "/v1/transfers/{id:path}", "putTransfer", "Register a transfer or report progress", put_transfer,
        body=schemas.TRANSFER_REPORT, answers={200: schemas.DECISION}, problems=(409, 429),
    ),
    Operation(
        "GET", "/v1/transfers/{id:path}", "transfer", "One pending transfer", get_transfer,
        answers={200: schemas.TRANSFER_ROW}, problems=(404,),
    ),
    Operation(
        "DELETE", "/v1/transfers/{id:path}", "deleteTransfer", "Remove a transfer", delete_transfer,
        answers={204: {}}, problems=(404,),
    ),
)  # fmt: skip
