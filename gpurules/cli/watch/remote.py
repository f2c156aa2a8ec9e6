"""The live view of a remote agent."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpurules.actions.targets import TARGETS
from gpurules.cli.watch.view import LogLine, RuleLine, View, change_words
from gpurules.engine import SignalState
from gpurules.model import Snapshot
from gpurules.remote import AgentUnavailable, RemoteEngine
from gpurules.remote.explanations import RemoteExplanation
from gpurules.remote.queries import fetch

LOOK_SECONDS = 1.0


class RemoteWatcher:
    """Queries an agent for the view, at most once a second; while it does not answer, its last state stays."""

    def __init__(self, engine: RemoteEngine) -> None:
        self._engine = engine
        self._looked_at = float("-inf")
        self._view: View | None = None

    def look(self) -> View:
        """Return the state of the agent.

        Raises:
            AgentUnavailable: it has not answered.
        """
        engine = self._engine
        status, decision = fetch(engine, "/v1/status"), fetch(engine, "/v1/directives")
        signals, rules = fetch(engine, "/v1/signals?limit=1000"), fetch(engine, "/v1/rules?limit=1000")
        events, explained = fetch(engine, "/v1/events?limit=100"), engine.explain()
        return View(
            status["clock"],
            status["source"],
            status["ruleset"],
            status["ruleset_version"],
            self._snapshot(),
            status["telemetry_age"],
            status["stale"],
            status["source_error"],
            status["reload_error"],
            tuple(_signal(signal) for signal in signals["items"]),
            tuple(_rules(rules["items"], explained)),
            tuple(_asked(decision)),
            tuple(line for event in events["items"] if (line := _logged(event)) is not None),
            explained,
        )

    def _snapshot(self) -> Snapshot | None:
        try:
            return Snapshot.from_dict(fetch(self._engine, "/v1/snapshot"))
        except AgentUnavailable:  # no telemetry yet
            return None

    def view(self) -> View:
        """Return the latest state; if the agent does not answer, the previous one with that error."""
        if self._view is None or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            try:
                self._view = self.look()
            except AgentUnavailable as error:
                self._view = _unanswered(self._view, str(error))
        return self._view


def _unanswered(last: View | None, error: str) -> View:
    if last is None:
        return View(
            time.time(), "agent", "", "", None, None, True, error, None, (), (), (), (), RemoteExplanation(()),
        )  # fmt: skip
    return replace(last, error=error, stale=True)


def _signal(data: Mapping[str, Any]) -> SignalState:
    return SignalState(data["name"], data["owner"], data["device"], data["on"], data["since"])


def _rules(rules: list[Mapping[str, Any]], explained: RemoteExplanation) -> list[RuleLine]:
    reasons = {rule.rule: rule.reason for rule in explained.rules}
    return [
        RuleLine(
            rule["name"],
            rule["because"] if rule["state"] == "suppressed" and rule["because"] else rule["state"],
            tuple(rule["devices"]),
            reasons.get(rule["name"], ""),
            ", ".join(action["action"] for action in rule["actions"]),
            rule["since"],
        )
        for rule in rules
    ]


def _asked(decision: Mapping[str, Any]) -> list[str]:
    return [
        target.describe(decision[name])
        for name, target in TARGETS.items()
        if name != "stage" and decision[name] != target.neutral
    ]


def _logged(event: Mapping[str, Any]) -> LogLine | None:
    match event["kind"]:
        case "signal":
            where = f" on GPU {event['device']}" if event["device"] is not None else ""
            return LogLine(event["timestamp"], event["on"], f"{event['rule'] or event['signal']}{where}")
        case "rule" if event["edge"] == "change" and event["transfer"] is None:
            return LogLine(event["timestamp"], None, change_words(event["rule"], event["joined"], event["left"]))
        case "telemetry":
            text = "telemetry is back" if event["ok"] else f"no telemetry: {event['error']}"
            return LogLine(event["timestamp"], None, text)
        case "ruleset":
            text = (
                f"ruleset {event['version'][:6]} is in force" if event["ok"] else f"ruleset refused: {event['error']}"
            )
            return LogLine(event["timestamp"], None, text)
        case "agent":
            return LogLine(event["timestamp"], None, "enabled" if event["enabled"] else "disabled")
        case _:
            return None
