"""The parts of an explanation of a decision: built by the rules, read by callers of ``Decision.explain``."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from gpurules.language.terms import ir
from gpurules.model import Datatype, GPUIndex, Value


class ExplainedPart(Protocol):
    """A condition, or a part of one, with its values.

    Shape: ``values`` has one value for each of ``devices`` where the part is per GPU, else one.
    """

    @property
    def text(self) -> str:
        """The part as it is written."""
        ...

    @property
    def term(self) -> ir.Term:
        """The part as it was checked."""
        ...

    @property
    def datatype(self) -> Datatype:
        """What its values are."""
        ...

    @property
    def devices(self) -> tuple[GPUIndex, ...]:
        """The GPUs that it was evaluated on."""
        ...

    @property
    def values(self) -> tuple[Value, ...]:
        """Its values."""
        ...

    @property
    def parts(self) -> Sequence["ExplainedPart"]:
        """What it consists of, constants left out."""
        ...

    @property
    def is_per_gpu(self) -> bool:
        """Whether there is a value for each GPU."""
        ...


class ExplainedChange(Protocol):
    """A change of facts that changes a rule's outcome; its text is a sentence without a full stop."""

    @property
    def matches(self) -> bool:
        """Whether the rule would match then."""
        ...

    @property
    def devices(self) -> tuple[GPUIndex, ...]:
        """The GPUs on which it would match."""
        ...

    @property
    def held(self) -> float:
        """For how long the changed facts would have to stay so, in seconds."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Return the change as JSON-ready data, numbers to their last digit."""
        ...


class ExplainedRule(Protocol):
    """Why one rule did or did not match; as a text it is what ``gpurules explain`` prints of it.

    ``outcome`` is ``match``, ``no-match``, ``unknown`` or ``suppressed``; then ``because`` says by what.
    """

    @property
    def rule(self) -> str:
        """The name of the rule."""
        ...

    @property
    def outcome(self) -> str:
        """The outcome: ``match``, ``no-match``, ``unknown``, …"""
        ...

    @property
    def because(self) -> str | None:
        """What suppressed it."""
        ...

    @property
    def devices(self) -> tuple[GPUIndex, ...]:
        """The GPUs on which it matched."""
        ...

    @property
    def reason(self) -> str:
        """The shortest reason, in words."""
        ...

    @property
    def text(self) -> str:
        """The condition as the rule has it."""
        ...

    @property
    def condition(self) -> ExplainedPart | None:
        """The condition with the value of each part; None for a disabled rule."""
        ...

    @property
    def has_history(self) -> bool:
        """Whether the rule was evaluated with the memory of earlier polls."""
        ...

    @property
    def unreported(self) -> list[str]:
        """Which GPUs do not report what the condition reads, where the source said why."""
        ...

    @property
    def nearest(self) -> ExplainedChange | None:
        """The smallest change of facts that flips whether the condition is TRUE, None where none was found."""
        ...

    def nearest_with(self, outcome: str | None) -> ExplainedChange | None:
        """Return the smallest change of facts that leads to *outcome*, None if none was found."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data, numbers to their last digit."""
        ...


class ExplainedDecision(Protocol):
    """Why each rule of a ruleset did or did not match; as a text it is what ``gpurules explain`` prints."""

    @property
    def rules(self) -> Sequence[ExplainedRule]:
        """The rules, in order of priority."""
        ...

    def rule(self, name: str) -> ExplainedRule:
        """Return the explanation of the rule *name*.

        Raises:
            KeyError: there is no such rule.
        """
        ...

    def held_back(self, names: frozenset[str]) -> "ExplainedDecision":
        """Return the explanation where those rules of *names* that match are held back by their cooldown."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data, numbers to their last digit."""
        ...


_Named = TypeVar("_Named", bound="_NamesRule")


class _NamesRule(Protocol):
    @property
    def rule(self) -> str: ...


def explanation_of(rules: Iterable[_Named], name: str) -> _Named:
    """Return the one of *rules* that explains the rule *name*.

    Raises:
        KeyError: there is no such rule.
    """
    for explained in rules:
        if explained.rule == name:
            return explained
    raise KeyError(name)
