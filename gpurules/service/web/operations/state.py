"""The state of the agent as data."""

from collections.abc import Sequence

from gpurules.engine.inspection import reload_error
from gpurules.model.gpu import NUMBERS
from gpurules.registry import did_you_mean
from gpurules.service.state import definitions, sections
from gpurules.service.state.events import KINDS
from gpurules.service.state.past import PastQuery
from gpurules.service.web import schemas
from gpurules.service.web.operation import Operation, OperationCall, Parameter, Reply, json_reply
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid

MAX_PAGE = 1000
MAX_TIMES = 20_000
"""The most times of one answer about the past."""
PAGING = (
    Parameter("limit", "maximum number of entries", 100, 1, MAX_PAGE, is_integer=True),
    Parameter("offset", "number of entries to skip", 0, 0, 1e9, is_integer=True),
)


def page(call: OperationCall, entries: Sequence[object]) -> Reply:
    """Respond with the requested page of *entries*."""
    limit, offset = call.query["limit"], call.query["offset"]
    assert isinstance(limit, int) and isinstance(offset, int)
    shown = entries[offset : offset + limit]
    following = offset + limit if offset + limit < len(entries) else None
    return json_reply({"items": shown, "total": len(entries), "offset": offset, "next": following})


def status(call: OperationCall) -> Reply:
    """Respond with the status of the agent."""
    agent = call.agent
    return json_reply(
        sections.status(agent.coordinator)
        | {
            "telemetry_age": agent.coordinator.status().telemetry_age,
            "clock": agent.clock(),
            "revision": agent.revisions.revision,
            "started_at": agent.started_at,
            "followers": agent.revisions.followers,
            "draining": agent.is_draining,
        }
    )


def snapshot(call: OperationCall) -> Reply:
    """Respond with the latest snapshot."""
    found = sections.snapshot(call.agent.coordinator)
    if found is None:
        raise ProblemError(404, "no-telemetry", "no telemetry has been read yet")
    return json_reply(found)


def signals(call: OperationCall) -> Reply:
    """Respond with the state of the signals."""
    return page(call, sections.signals(call.agent.coordinator))


def rules(call: OperationCall) -> Reply:
    """Respond with every rule and its state."""
    agent = call.agent
    states = sections.rule_states(agent.coordinator, agent.recorder)
    defined = agent.coordinator.engine.ruleset.rules
    return page(call, [sections.rule_definition(rule) | states.get(rule.name, {}) for rule in defined])


def rule(call: OperationCall) -> Reply:
    """Respond with one rule, its state, explanation, recent episodes and findings."""
    agent, name = call.agent, call.path["name"]
    ruleset = agent.coordinator.engine.ruleset
    found = ruleset.rule(name)
    if found is None:
        hint = did_you_mean(name[:60], [one.name for one in ruleset.rules])
        raise ProblemError(404, "unknown-rule", f"there is no rule {name[:60]!r}" + (f"; {hint}" if hint else ""))
    explained = next((e for e in agent.coordinator.decide().explain().rules if e.rule == name), None)
    episodes = [e for e in agent.recorder.events.before(None, 5000) if e.get("rule") == name]
    return json_reply(
        sections.rule_definition(found)
        | sections.rule_states(agent.coordinator, agent.recorder).get(name, {})
        | {
            "explanation": explained.to_dict() if explained else None,
            "episodes": episodes[:100],
            "findings": [d.to_dict() for d in ruleset.diagnostics if d.rule == name],
        }
    )


def transfers(call: OperationCall) -> Reply:
    """Respond with the pending transfers."""
    return page(call, call.agent.transfers.rows())


def workloads(call: OperationCall) -> Reply:
    """Respond with the registered workloads."""
    return page(call, sections.workloads(call.agent.coordinator))


def events(call: OperationCall) -> Reply:
    """Respond with the recent events, newest first."""
    limit, before = call.query["limit"], call.query["before"]
    assert isinstance(limit, int) and (before is None or isinstance(before, int))
    kind = call.query["kind"]
    found = call.agent.recorder.events.before(before, limit, None if kind is None else str(kind))
    following = found[-1]["id"] if len(found) == limit else None
    return json_reply({"items": found, "next": following})


def ruleset(call: OperationCall) -> Reply:
    """Respond with the active ruleset: its source with secrets hidden, its findings, and the errors of its file."""
    found = call.agent.coordinator.engine.ruleset
    findings = [diagnostic.to_dict() for diagnostic in found.diagnostics]
    return json_reply(
        {
            "name": found.name,
            "version": found.version,
            "description": found.description,
            "path": found.path,
            "files": list(found.files),
            "source": definitions.source(found),
            "sources": definitions.sources(found),
            "signals": definitions.signals(found),
            "thresholds": definitions.thresholds(found),
            "findings": findings,
            "reload_error": reload_error(call.agent.coordinator),
            "settings": {name: getattr(found.settings, name) for name in found.settings.__slots__},
            "inputs": {name: given.value for name, given in found.inputs.items()},
            "fields": sorted(found.fields),
        }
    )


def history(call: OperationCall) -> Reply:
    """Respond with the recent history of one field of GPUs."""
    if call.query["field"] is None:
        raise invalid([WrongMember("a field is required", hint=f"one of {', '.join(NUMBERS)}", parameter="field")])
    name = str(call.query["field"]).removeprefix("gpu_")
    since, step, gpu, limit = (call.query[key] for key in ("since", "step", "gpu", "limit"))
    assert isinstance(since, int | float) and isinstance(step, int | float) and isinstance(limit, int)
    start = call.agent.clock() + since if since <= 0 else since
    query = PastQuery(name, None if gpu is None else str(gpu), float(start), float(step), limit)
    return json_reply(call.agent.past.read(query))


def _list(path: str, name: str, summary: str, handler: object, entry: object) -> Operation:
    answer = schemas.page_of(entry)  # type: ignore[arg-type]
    return Operation("GET", path, name, summary, handler, query=PAGING, answers={200: answer}, is_slow=True)  # type: ignore[arg-type]


OPERATIONS = (
    Operation("GET", "/v1/status", "status", "The status of the agent", status, answers={200: schemas.STATUS}),
    Operation(
        "GET", "/v1/snapshot", "snapshot", "The latest snapshot", snapshot,
        answers={200: schemas.SNAPSHOT}, problems=(404,),
    ),
    _list("/v1/signals", "signals", "The state of every signal", signals, schemas.SIGNAL),
    _list("/v1/rules", "rules", "Every rule with its state", rules, schemas.RULE),
    Operation(
        "GET", "/v1/rules/{name:path}", "rule", "One rule, with its reasons", rule,
        answers={200: schemas.RULE}, problems=(404,), is_slow=True,
    ),
    _list("/v1/transfers", "transfers", "Pending transfers", transfers, schemas.TRANSFER_ROW),
    _list("/v1/workloads", "workloads", "Registered workloads", workloads, schemas.WORKLOAD),
    Operation(
        "GET", "/v1/events", "events", "Recent events, newest first", events,
        query=(
            Parameter("limit", "maximum number of events", 100, 1, MAX_PAGE, is_integer=True),
            Parameter("before", "only events before the one with this id", None, 0, 1e18, is_integer=True),
            Parameter("kind", "only events of this kind", values=KINDS),
        ),
        answers={200: schemas.EVENTS},
    ),
    Operation("GET", "/v1/ruleset", "ruleset", "The effective ruleset", ruleset, answers={200: schemas.RULESET},
              is_slow=True),
    Operation(
        "GET", "/v1/history", "history", "The past of a field, from memory and the recording store", history,
        query=(
            Parameter(
                "field", "a numeric field of GPUs",
                values=(*NUMBERS, *(f"gpu_{name}" for name in NUMBERS)), is_required=True,
            ),
            Parameter("gpu", "the index of one GPU; default: all"),
            Parameter("since", "seconds since 1970, or, if not positive, seconds before now", -900, -1e6, 1e12),
            Parameter("step", "minimum interval between samples, in seconds", 0, 0, 3600),
            Parameter("limit", "maximum number of times", 5000, 1, MAX_TIMES, is_integer=True),
        ),
        answers={200: schemas.HISTORY},
        description=(
            "The last 15 minutes come from memory, older values from the recording store (--history). `next` is the "
            "start of the next query, `missing` has the reasons for missing values, `problems` the damage in the store."
        ),
        is_slow=True,
    ),
)  # fmt: skip
