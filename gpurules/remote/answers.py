"""Decodes decisions from an agent's JSON. Directives of the same rules are built once and shared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gpurules.actions import Action, default_actions, is_directive
from gpurules.actions.action import ActionKind, Complaint, Event, Parameters, Schema
from gpurules.actions.decision import Basis, Decision, Outcome, RuleAction, decision_of
from gpurules.actions.explained import ExplainedDecision
from gpurules.actions.targets import Stage
from gpurules.model import GPUIndex, Transfer, Workload
from gpurules.rules.rule import Settings
from gpurules.strict_json import loads

MAX_REMEMBERED = 512
_SPLIT = b',"snapshot_time":'
Explainer = Callable[[Transfer, Workload], ExplainedDecision]


class UnknownAction:
    """Replaces an action of a plug-in that the agent has but this program lacks."""

    kind = ActionKind.EFFECT
    summary = "an action of the agent"
    schema: Schema = MappingProxyType({})
    on: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, parameters: Parameters) -> tuple[Complaint, ...]:
        """Return nothing: the agent has checked the parameters."""
        return ()

    def start(self, event: Event) -> None:
        """Do nothing: the agent runs effects."""

    def stop(self, event: Event) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class RemoteRule:
    """A rule that matched in the agent."""

    name: str
    actions: tuple[RuleAction, ...]
    priority: int = 0


class RemoteDecisionSource:
    """The basis of a remote decision; ``source`` is ``agent``, ``directives`` or ``fallback``."""

    def __init__(self, reader: "AnswerReader", devices: tuple[tuple[GPUIndex, ...], ...], source: str) -> None:
        self._reader = reader
        self._devices = devices
        self.source = source
        self.timestamp = 0.0
        self.version = ""

    @property
    def limits(self) -> Settings:
        """The settings of the agent's ruleset."""
        return self._reader.settings

    def devices(self, position: int, transfer: Transfer, workload: Workload) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which the rule at *position* was TRUE."""
        return self._devices[position] if position < len(self._devices) else ()

    def explain(self, transfer: Transfer, workload: Workload) -> ExplainedDecision:
        """Ask the agent why each rule matched or did not."""
        return self._reader.explain(transfer, workload)


class AnswerReader:
    """Reads decisions. Thread-safe: a cached value may be computed twice, but is never wrong."""

    def __init__(self, explain: Explainer) -> None:
        self.settings = Settings()
        self.explain = explain
        self._outcomes: dict[bytes, tuple[Outcome, tuple[tuple[GPUIndex, ...], ...]]] = {}
        self._bases: dict[bytes, Basis] = {}
        self._neutral = Outcome((), MappingProxyType({}), ())

    def read(self, body: bytes, transfer: Transfer, workload: Workload, source: str = "agent") -> Decision:
        """Parse the decision in *body*.

        Raises:
            ValueError: it is not a decision in JSON.
        """
        basis = self._bases.get(body)
        if basis is None or basis.origin.source != source:
            basis = self._basis(body, source)
            if len(self._bases) >= MAX_REMEMBERED:
                self._bases = {}
            self._bases[body] = basis
        return decision_of(basis, transfer, workload)

    def neutral(self, transfer: Transfer, workload: Workload) -> Decision:
        """Return a decision without directives, marked as a stale fallback."""
        return decision_of(Basis(self._neutral, RemoteDecisionSource(self, (), "fallback"), True), transfer, workload)

    def _basis(self, body: bytes, source: str) -> Basis:
        start = body.rfind(_SPLIT)
        known = self._outcomes.get(body[:start]) if start > 0 else None
        try:
            if known is None:
                data = loads(body)
                known = _outcome(data)
                if len(self._outcomes) >= MAX_REMEMBERED:
                    self._outcomes = {}
                if start > 0:
                    self._outcomes[body[:start]] = known
            else:
                data = loads(b"{" + body[start + 1 :])
            outcome, devices = known
            origin = RemoteDecisionSource(self, devices, source)
            origin.timestamp, origin.version = float(data["snapshot_time"]), str(data["ruleset_version"])
            return Basis(outcome, origin, data["stale"] is True)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the answer is not a decision: {error!r}") from None


def _outcome(data: Mapping[str, Any]) -> tuple[Outcome, tuple[tuple[GPUIndex, ...], ...]]:
    known = default_actions()
    rules, devices = [], []
    settled: dict[str, object] = dict(data.get("directives") or {})
    for position, match in enumerate(data["matched"]):
        actions = []
        for one in match["actions"]:
            action: Action = known.get(one["action"]) or UnknownAction(one["action"])
            actions.append(RuleAction(action, MappingProxyType(dict(one["parameters"]))))
            if is_directive(action) and action.target in data:
                value = data[action.target]
                settled[action.target] = _stage(value) if action.target == "stage" else value
        rules.append((position, RemoteRule(match["rule"], tuple(actions))))
        devices.append(tuple(match["devices"]))
    return Outcome(tuple(rules), MappingProxyType(settled), ()), tuple(devices)


def _stage(value: Mapping[str, Any] | None) -> Stage | None:
    return None if value is None else Stage(value["area"], value["threshold"], value["on_full"], value["rule"])
