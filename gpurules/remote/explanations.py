"""Explanations of decisions, as reported by the agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpurules.actions.explained import ExplainedChange, ExplainedPart, explanation_of
from gpurules.model import GPUIndex


@dataclass(frozen=True, slots=True)
class RemoteRuleExplanation:
    """Why one rule matched or not; ``data`` is the agent's JSON.

    Missing: ``condition`` and ``nearest`` are None: their values are in ``to_dict()`` only.
    """

    data: Mapping[str, Any]
    condition: ExplainedPart | None = None
    nearest: ExplainedChange | None = None
    has_history: bool = True

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return str(self.data["rule"])

    @property
    def outcome(self) -> str:
        """The outcome."""
        return str(self.data["outcome"])

    @property
    def because(self) -> str | None:
        """The reason for its suppression."""
        return self.data.get("because")

    @property
    def devices(self) -> tuple[GPUIndex, ...]:
        """The GPUs on which it matched."""
        return tuple(self.data["devices"])

    @property
    def reason(self) -> str:
        """The shortest reason, in words."""
        return str(self.data["reason"])

    @property
    def text(self) -> str:
        """The condition."""
        condition = self.data.get("condition")
        return str(condition["text"]) if condition else ""

    @property
    def unreported(self) -> list[str]:
        """The GPUs that lack readings which the condition needs."""
        return list(self.data.get("unreported", ()))

    def __str__(self) -> str:
        """Return the output of ``gpurules explain``."""
        return str(self.data.get("drawn", self.reason))

    def nearest_with(self, outcome: str | None) -> ExplainedChange | None:
        """Return None: only the agent knows the facts."""
        return None

    def to_dict(self) -> dict[str, object]:
        """Return the agent's explanation as JSON-ready data."""
        return dict(self.data)


@dataclass(frozen=True, slots=True)
class RemoteExplanation:
    """Why each rule of the agent matched or not; its text is the output of ``gpurules explain``."""

    rules: tuple[RemoteRuleExplanation, ...]
    text: str = ""

    def rule(self, name: str) -> RemoteRuleExplanation:
        """Return the explanation of the rule *name*.

        Raises:
            KeyError: there is no such rule.
        """
        return explanation_of(self.rules, name)

    def held_back(self, names: frozenset[str]) -> "RemoteExplanation":
        """Return itself: the agent has already reported what is held back."""
        return self

    def __str__(self) -> str:
        """Return the output of ``gpurules explain``."""
        return self.text

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data."""
        return {"rules": [rule.to_dict() for rule in self.rules]}


def read_explanation(data: Mapping[str, Any]) -> RemoteExplanation:
    """Parse the explanation in the agent's response to ``/v1/explain``.

    Raises:
        ValueError: it has none.
    """
    try:
        rules = tuple(RemoteRuleExplanation(rule) for rule in data["explanation"]["rules"])
    except (KeyError, TypeError):
        raise ValueError("the answer has no explanation") from None
    return RemoteExplanation(rules, str(data.get("text", "")))
