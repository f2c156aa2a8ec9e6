"""What-if decisions on any facts, optionally with another ruleset. Nothing is stored, no effect is delivered."""

from dataclasses import replace

from gpurules.diagnostics import Severity
from gpurules.linter import lints
from gpurules.rules import Ruleset
from gpurules.rules.files import SHIPPED, read_file
from gpurules.rules.loader import examine
from gpurules.service.web import schemas
from gpurules.service.web.operation import Operation, OperationCall, Reply, json_reply
from gpurules.service.wire.decisions import decision_data
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid
from gpurules.service.wire.reading import read_facts, read_object
from gpurules.service.wire.requests import parse

MAX_TEXT = 256 * 1024
"""The most characters of a ruleset that is tried."""
_MEMBERS = {
    "snapshot": "object",
    "transfer": "object",
    "workload": "object",
    "node": "object",
    "ruleset": "string",
    "lint": "boolean",
}


def evaluate(call: OperationCall) -> Reply:
    """Respond with the decision of a ruleset, the active one or a given text, on given facts, and the reasons.

    The default snapshot is the agent's latest. Findings in the text are part of the response; a text with errors makes
    no decision.
    """
    agent = call.agent
    given = read_object(parse(call.body), _MEMBERS)
    running = agent.coordinator.engine.ruleset
    text = given.get("ruleset")
    ruleset: Ruleset | None = running
    findings: list[dict[str, object]] = []
    if isinstance(text, str):
        if len(text) > MAX_TEXT:
            raise invalid([WrongMember(f"a trial ruleset can have at most {MAX_TEXT} characters", "/ruleset")])
        ruleset, findings = _tried(text, running, given.get("lint") is True)
    declared = ruleset.fields if ruleset is not None else running.fields
    facts = read_facts({key: given.get(key) for key in _MEMBERS}, declared, agent.clock())
    if ruleset is None:
        return json_reply({"decision": None, "explanation": None, "diagnostics": findings})
    snapshot = facts.snapshot
    if given.get("snapshot") is None:
        snapshot = agent.coordinator.engine.snapshot or replace(snapshot, timestamp=agent.clock())
    try:
        decision = ruleset.evaluate(snapshot, facts.transfer, facts.workload, facts.node)
        answer = {"decision": decision_data(decision), "explanation": decision.explain().to_dict()}
    except RecursionError:
        raise ProblemError(400, "invalid-request", "a condition is nested too deeply to be evaluated") from None
    return json_reply({**answer, "diagnostics": findings})


def _tried(text: str, running: Ruleset, is_linted: bool) -> tuple[Ruleset | None, list[dict[str, object]]]:
    """Return the ruleset of *text* (None if it has errors) and its findings.

    It may extend the files of the running ruleset and shipped rulesets, but no other file of the node.
    """
    bases = frozenset(running.files)

    def read(path: str) -> bytes:
        if path not in bases and not path.startswith(SHIPPED):
            raise FileNotFoundError("a trial ruleset can only extend shipped rulesets and the bases of the running one")
        return read_file(path)

    loaded = examine(text, running.path, read=read)
    found = loaded.diagnostics
    if is_linted and loaded.ruleset is not None and not any("extends" in line for line in text.splitlines()):
        found = tuple(lints(text))
    has_errors = loaded.ruleset is None or any(d.severity is Severity.ERROR for d in loaded.diagnostics)
    return None if has_errors else loaded.ruleset, [d.to_dict() for d in found]


OPERATIONS = (
    Operation(
        "POST",
        "/v1/evaluate",
        "evaluate",
        "Evaluate a hypothetical situation",
        evaluate,
        body=schemas.EVALUATE_REQUEST,
        answers={200: schemas.EVALUATION},
        is_slow=True,
        description="Stateless: a signal equals its condition at that point in time. Nothing is stored, no effects "
        "are called.",
    ),
)
